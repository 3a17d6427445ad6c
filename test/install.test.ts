/** The schedule handed to launchd and systemd: the files as other programs read them, and what is typed. */
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { agentOf } from '../src/install/agent.ts';
import { shortenOwnLog } from '../src/install/own-log.ts';
import { loadSchedule } from '../src/schedule/settings.ts';
import { LinuxBox, Mac } from './install-machines.ts';

/** What a folder may be called. */
const ODD = `R&D <"it's"> 50% $HOME \\n é`;
const AGENTS = 'Library/LaunchAgents';

describe('a LaunchAgent', () => {
  test('of the service says what launchd has to know, in a file of its owner', async () => {
    const mac = new Mac(ODD);
    mac.env = { RETAIL_SYNC_STATE_DIR: 'state & co', ERP_TOKEN_FILE: 'erp token', LOG_LEVEL: 'warn' };
    writeFileSync(join(mac.folder, 'erp token'), 'planted-erp-secret');
    const { exit, stdout } = await mac.install();
    expect([exit, stdout]).toEqual([0, expect.stringContaining('next  ')]);
    const log = join(mac.home, 'Library/Logs/retail-sync/retail-sync.serve.log');
    expect(mac.agents()).toEqual([
      {
        Label: 'retail-sync.serve',
        ProgramArguments: [process.execPath, join(import.meta.dirname, '../bin/retail-sync.js'), 'jobs', 'serve'],
        WorkingDirectory: mac.folder,
        ...{ RunAtLoad: true, KeepAlive: true, ThrottleInterval: 60, ExitTimeOut: 30, Umask: 0o77 },
        ...{ StandardOutPath: log, StandardErrorPath: log },
        EnvironmentVariables: {
          PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
          ...{ RETAIL_SYNC_STATE_DIR: 'state & co', LOG_LEVEL: 'warn', RETAIL_SYNC_TRIGGER: 'launchd' },
          ERP_TOKEN_FILE: join(mac.folder, 'erp token'),
        },
      },
    ]);
    expect(mac.tree()).toContain(`${AGENTS}/retail-sync.serve.plist 600`);
    const text = readFileSync(join(mac.home, AGENTS, 'retail-sync.serve.plist'), 'utf8');
    expect(text).not.toMatch(/planted/);
    expect([...mac.loaded]).toEqual(['retail-sync.serve']);
  });

  test('of the trigger looks at login and every quarter of an hour', async () => {
    const mac = new Mac();
    await mac.install({ as: 'trigger' });
    const [agent] = mac.agents();
    expect(agent).toMatchObject({ Label: 'retail-sync.tick', RunAtLoad: true, StartInterval: 900 });
    expect(agent).not.toHaveProperty('KeepAlive');
  });

  test('of each job has its hours on a clock of this Mac, on both sides of the changes that only one zone makes', async () => {
    const mac = new Mac();
    mac.zone = 'America/Phoenix';
    await mac.install({ as: 'calendar' });
    const [customers, , , , reconcile] = mac.agents();
    expect(mac.agents().map(({ Label }) => Label)).toEqual(
      ['customers', 'products-and-pos-orders', 'prune', 'quotes', 'reconcile'].map((job) => `retail-sync.at.${job}`),
    );
    const at = (Hour: number, Minute: number) => ({ Hour, Minute });
    expect(customers?.StartCalendarInterval).toEqual([
      at(4, 30),
      at(4, 50),
      at(5, 10),
      at(5, 30),
      at(5, 50),
      at(6, 10),
    ]);
    expect(reconcile?.StartCalendarInterval).toContainEqual({ Weekday: 0, Hour: 3, Minute: 0 });
    mac.zone = 'America/Chicago';
    await mac.install({ as: 'calendar' });
    expect(mac.agents()[0]?.StartCalendarInterval).toEqual([at(6, 30), at(6, 50), at(7, 10)]);
  });

  test('installed again changes nothing; in another form it takes the place of the first', async () => {
    const mac = new Mac();
    await mac.install();
    const files = mac.tree();
    mac.asked.length = 0;
    expect((await mac.install()).stdout).toContain('Nothing to change: it is installed and loaded.');
    expect(mac.asked.filter((line) => !line.includes(' print '))).toEqual([]);
    expect(mac.tree()).toEqual(files);
    await mac.install({ as: 'trigger' });
    expect([...mac.loaded]).toEqual(['retail-sync.tick']);
    expect(mac.tree().filter((path) => path.startsWith(`${AGENTS}/`))).toEqual([
      `${AGENTS}/retail-sync.tick.plist 600`,
    ]);
  });

  test('that launchd does not hold any more is loaded again', async () => {
    const mac = new Mac();
    await mac.install();
    mac.loaded.clear();
    await mac.install();
    expect([...mac.loaded]).toEqual(['retail-sync.serve']);
  });

  test.each([
    [125, 'nobody is logged in at the screen of this Mac'],
    [119, 'the service is switched off'],
    [77, 'launchctl error 77 says what it means'],
  ])('refused by launchctl with %i tells why', async (exit, cause) => {
    const mac = new Mac();
    mac.answers.push(['bootstrap', { exit, stderr: `Bootstrap failed: ${exit}: words of launchd` }]);
    const told = await mac.install();
    expect(told).toMatchObject({ exit: 2, stderr: expect.stringContaining(cause) });
    expect(told.stderr).toContain('words of launchd');
  });

  test('waits for the one before to end', async () => {
    const mac = new Mac();
    mac.answers.push(['bootstrap', { exit: 37, stderr: 'Operation already in progress' }]);
    expect((await mac.install()).exit).toBe(0);
    expect([...mac.loaded]).toEqual(['retail-sync.serve']);
  });

  test('tells of a folder that macOS guards', async () => {
    const mac = new Mac();
    const guarded = join(mac.home, 'Documents', 'sync');
    mkdirSync(guarded, { recursive: true });
    renameSync(join(mac.folder, '.env'), join(guarded, '.env'));
    mac.folder = guarded;
    expect((await mac.install()).stdout).toContain('~/Documents is guarded by macOS');
  });

  test('is none of root', async () => {
    const mac = new Mac();
    mac.uid = 0;
    expect(await mac.install()).toMatchObject({ exit: 2, stderr: expect.stringContaining('without sudo') });
    expect(mac.tree()).toEqual([]);
  });

  test('is taken away without a trace', async () => {
    const mac = new Mac();
    mkdirSync(join(mac.home, AGENTS), { recursive: true });
    mkdirSync(join(mac.home, 'Library/Logs'));
    writeFileSync(join(mac.home, AGENTS, 'com.example.other.plist'), '', { mode: 0o600 });
    const before = mac.tree();
    await mac.install();
    writeFileSync(join(mac.home, 'Library/Logs/retail-sync/retail-sync.serve.log'), 'a line');
    const shown = await mac.uninstall({ print: true });
    expect(shown.stdout).toMatch(/bootout gui\/501\/retail-sync.serve\n\$ rm .*serve.plist\n\$ rm .*serve.log\n/);
    expect(mac.loaded.size).toBe(1);
    await mac.uninstall();
    expect([mac.tree(), mac.loaded.size]).toEqual([before, 0]);
    expect((await mac.uninstall()).stdout).toBe('Nothing is installed.\n');
  });

  test('with --print is only shown, and the commands that would load it', async () => {
    const mac = new Mac();
    const { stdout } = await mac.install({ print: true });
    expect(stdout).toContain('<string>retail-sync.serve</string>');
    expect(stdout).toMatch(/\$ \/bin\/launchctl bootstrap gui\/501 .*retail-sync\.serve\.plist\n$/);
    expect([mac.tree(), mac.loaded.size]).toEqual([[], 0]);
  });
});

describe('what is not installed', () => {
  test('is a service whose secret stands in the shell alone', async () => {
    const mac = new Mac();
    mac.env = { ERP_TOKEN: 'planted-erp-secret' };
    const { exit, stderr } = await mac.install();
    expect(exit).toBe(2);
    expect(stderr).toContain('ERP_TOKEN stands in this shell only');
    expect(stderr).toContain('ERP_TOKEN_FILE');
    expect(stderr).not.toContain('planted');
    expect(mac.tree()).toEqual([]);
  });

  test('is a proxy with a password', async () => {
    const mac = new Mac();
    mac.env = { HTTPS_PROXY: 'http://ana:planted@proxy.example.com:3128' };
    expect((await mac.install()).stderr).toMatch(/^HTTPS_PROXY holds a password/);
  });

  test('is a second folder beside the first', async () => {
    const [mac, other] = [new Mac(), new Mac('another')];
    await mac.install();
    Object.assign(other, { home: mac.home });
    expect((await other.install()).stderr).toContain(`the schedule is installed for the folder ${mac.folder} already`);
    rmSync(mac.folder, { recursive: true }); // it was moved: then this one takes its place
    expect((await other.install()).exit).toBe(0);
    expect(other.agents()).toMatchObject([{ WorkingDirectory: other.folder }]);
  });

  test.each([
    ['22.17.1', false],
    ['22.18.0', true],
    ['23.5.0', false],
    ['20.20.2', false],
    ['24.0.0', true],
  ])('is a service by Node %s: %s', (version, isFine) => {
    const mac = new Mac();
    const schedule = loadSchedule({ path: '/nowhere/schedule.yaml', isNamed: false }, []);
    const make = () =>
      agentOf({
        ...{ form: 'service', trigger: 'launchd', schedule, env: {}, cwd: mac.folder },
        node: { path: '/opt/node', version },
      });
    if (isFine) expect(make().node).toBe('/opt/node');
    else expect(make).toThrow(`the Node that runs this, /opt/node, is ${version}; the service needs 22.18 or newer`);
  });

  test('is a folder with a line break in its name', async () => {
    const mac = new Mac('two\nlines');
    expect((await mac.install()).stderr).toMatch(/holds a line break/);
  });

  test('is a calendar of jobs whose hours are drawn', async () => {
    const mac = new Mac();
    writeFileSync(join(mac.folder, 'schedule.yaml'), 'jitterMinutes: 10\n');
    expect((await mac.install({ as: 'calendar' })).stderr).toMatch(/has a jitter, which a calendar .* cannot follow/);
  });

  test('is anything where neither launchd nor systemd answers: a line for crontab is shown', async () => {
    const box = new LinuxBox(`50% & it's`);
    box.answers.push(['show-environment', { exit: 1, stderr: 'Failed to connect to bus' }]);
    const { exit, stderr } = await box.install();
    expect(exit).toBe(2);
    const line = stderr.split('\n').find((text) => text.startsWith('*/15')) ?? '';
    expect(line).toContain(`50\\% & it'\\''s'`);
    // As cron hands it to the shell: what it changes into is the folder.
    const command = line
      .replace('*/15 * * * * ', '')
      .replaceAll('\\%', '%')
      .replace(/&& umask.*$/, '&& pwd');
    expect(spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' }).stdout).toBe(`${box.folder}\n`);
  });
});

/** systemd.syntax(7), the part that is used here. */
function readUnit(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  let section = '';
  for (const line of text.split('\n')) {
    if (/^(#.*)?$/.test(line)) continue;
    const [, name] = /^\[(\w+)\]$/.exec(line) ?? [];
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) section = name;
    else if (key === undefined || value === undefined || section === '')
      throw new Error(`not a line of a unit: ${line}`);
    else found.set(`${section}.${key}`, [...(found.get(`${section}.${key}`) ?? []), value]);
  }
  return found;
}

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

/** What systemd itself says against these files; nothing where it is not there. */
function verified(folder: string): string {
  if (!hasSystemd) return '';
  const runtime = mkdtempSync(join(tmpdir(), 'retail-sync-run-'));
  const env = { ...process.env, XDG_RUNTIME_DIR: runtime, HOME: runtime };
  const files = readdirSync(folder).filter((name) => /\.(service|timer)$/.test(name));
  const { status, stderr } = spawnSync('systemd-analyze', ['--user', 'verify', ...files], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  rmSync(runtime, { recursive: true });
  return status === 0 ? '' : stderr;
}

describe('units of systemd', () => {
  test.each(['service', 'trigger', 'calendar'] as const)(
    'as %s are read by systemd as they were meant',
    async (form) => {
      const box = new LinuxBox(ODD);
      box.env = { RETAIL_SYNC_STATE_DIR: 'a "state" & 5%' };
      expect((await box.install({ as: form })).exit).toBe(0);
      expect(verified(box.units)).toBe('');
      const name = form === 'service' ? 'retail-sync.service' : 'retail-sync-tick.service';
      const unit = readUnit(readFileSync(join(box.units, name), 'utf8'));
      expect(unit.get('Service.WorkingDirectory')).toEqual([box.folder.replaceAll('%', '%%')]);
      expect(unit.get('Service.Environment')).toContain('"RETAIL_SYNC_STATE_DIR=a \\"state\\" & 5%%"');
      expect(unit.get('Service.UMask')).toEqual(['0077']);
      expect(statSync(join(box.units, name)).mode & 0o777).toBe(0o600);
      const { exit, stdout } = await box.status();
      expect([exit, stdout]).toEqual([0, expect.stringContaining(`✓ ${form}, by systemd`)]);
      expect(stdout).toContain(`folder  ${box.folder}`);
    },
  );

  test('of the calendar know the zone of the schedule', async () => {
    const box = new LinuxBox();
    box.zone = 'Asia/Tokyo';
    await box.install({ as: 'calendar' });
    const timer = readUnit(readFileSync(join(box.units, 'retail-sync-at-reconcile.timer'), 'utf8'));
    expect(timer.get('Timer.OnCalendar')).toEqual(
      ['00', '20', '40'].map((minute) => `Sun *-*-* 04:${minute}:00 America/Chicago`),
    );
    expect(timer.get('Timer.Persistent')).toEqual(['true']);
  });

  test('with a mistake in them do not pass the check of the tests', () => {
    const box = new LinuxBox();
    mkdirSync(box.units, { recursive: true });
    writeFileSync(join(box.units, 'retail-sync.service'), '[Service]\nExecStart="/no/such/program"\n');
    if (hasSystemd) expect(verified(box.units)).toContain('/no/such/program is not executable');
    expect(() => readUnit('[Service]\nhalf a line\n')).toThrow('not a line of a unit');
  });

  test('change their form, and are taken away without a trace', async () => {
    const box = new LinuxBox();
    await box.install({ as: 'calendar' });
    await box.install({ as: 'trigger' });
    expect([...box.loaded]).toEqual(['retail-sync-tick.timer']);
    const stamps = join(box.home, '.local/share/systemd/timers');
    mkdirSync(stamps, { recursive: true });
    writeFileSync(join(stamps, 'stamp-retail-sync-tick.timer'), '');
    await box.uninstall();
    expect(box.loaded.size).toBe(0);
    expect(box.tree().filter((path) => path.includes('retail-sync'))).toEqual([]);
  });

  test('tell that they end at the log-out, and how they do not', async () => {
    expect((await new LinuxBox().install()).stdout).toContain('loginctl enable-linger nobody-here');
  });

  test('are refused with the cause when no systemd of this user answers half-way', async () => {
    const box = new LinuxBox();
    box.answers.push(['daemon-reload', { exit: 1, stderr: 'Failed to connect to bus: No medium found' }]);
    expect((await box.install()).stderr).toMatch(
      /daemon-reload failed .*No medium found[\s\S]*log in as this user itself/,
    );
  });
});

describe('jobs status', () => {
  test('says that nothing is installed', async () => {
    expect(await new Mac().status()).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('Nothing is installed'),
    });
  });

  test('tells form, state, last exit and the next slot', async () => {
    const mac = new Mac();
    await mac.install();
    const { exit, stdout } = await mac.status();
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^✓ service, by launchd\n {2}retail-sync.serve +runs +last exit 0\n/);
    expect(stdout).toMatch(/next {4}[\w+-]+ at \d{4}-\d\d-\d\d \d\d:\d\d America\/Chicago/);
    const document = JSON.parse((await mac.status({ json: true })).stdout);
    expect(document).toMatchObject({
      schemaVersion: 1,
      status: 'ok',
      installed: { form: 'service', folder: mac.folder },
    });
  });

  test('names what has gone since: the folder, the loading, the Node', async () => {
    const mac = new Mac();
    await mac.install();
    const path = join(mac.home, AGENTS, 'retail-sync.serve.plist');
    const text = readFileSync(path, 'utf8');
    mac.loaded.clear();
    writeFileSync(path, text.replace(process.execPath, '/opt/homebrew/Cellar/node/22.18.0/bin/node'));
    const { exit, stdout } = await mac.status();
    expect(exit).toBe(2);
    expect(stdout).toContain('wrong   /opt/homebrew/Cellar/node/22.18.0/bin/node is no longer there');
    expect(stdout).toContain('wrong   retail-sync.serve is not loaded');
    writeFileSync(path, '<plist');
    expect((await mac.status()).stdout).toContain('its file cannot be read: somebody edited it');
    writeFileSync(path, text);
    mac.loaded.add('retail-sync.serve');
    mac.answers.push(['--version', { stdout: 'v20.20.2\n' }]);
    expect((await mac.status()).stdout).toContain('is v20.20.2 now, and 22.18 or newer is needed');
    renameSync(mac.folder, `${mac.folder}-moved`);
    expect((await mac.status()).stdout).toContain(`${mac.folder} is no longer there`);
  });

  test('tells a calendar that the schedule has changed', async () => {
    const mac = new Mac();
    await mac.install({ as: 'calendar' });
    expect((await mac.status()).exit).toBe(0);
    writeFileSync(join(mac.folder, 'schedule.yaml'), 'jobs:\n  quotes: { at: "08:00" }\n');
    expect(await mac.status()).toMatchObject({
      exit: 2,
      stdout: expect.stringContaining('has changed since it was installed'),
    });
    await mac.install({ as: 'calendar' });
    expect((await mac.status()).exit).toBe(0);
  });
});

describe('the file that launchd appends to', () => {
  test('begins anew when it has grown too large; that of a person stays', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'retail-sync-log-')), 'serve.log');
    writeFileSync(path, 'x'.repeat(2_000));
    const file = openSync(path, 'a');
    shortenOwnLog('manual', [file], 1_000);
    expect(statSync(path).size).toBe(2_000);
    shortenOwnLog('launchd', [file], 1_000);
    expect(readFileSync(path, 'utf8')).toBe('this file had grown to 2000 bytes and begins anew\n');
  });
});
