import { describe, expect, it } from 'vitest';
import { CommitGroup } from '../src/state/commits.ts';

/** Counts transactions and tells which works were in one that ended well. */
function ledgerOf() {
  const committed: string[][] = [];
  let open: string[] = [];
  const transaction = <T>(work: () => T): T => {
    open = [];
    const result = work();
    committed.push(open);
    return result;
  };
  return { committed, transaction, write: (name: string) => void open.push(name) };
}

describe('a group of commits', () => {
  it('makes what came in one turn durable in one transaction, and tells each its own result', async () => {
    const state = ledgerOf();
    const commits = new CommitGroup(state);
    const named = (name: string) => (): string => {
      state.write(name);
      return name;
    };
    const results = await Promise.all(['a', 'b', 'c'].map((name) => commits.run(named(name))));
    expect(results).toEqual(['a', 'b', 'c']);
    expect(state.committed).toEqual([['a', 'b', 'c']]);
  });

  it('tells nobody before the commit', async () => {
    const state = ledgerOf();
    const commits = new CommitGroup(state);
    let told = false;
    const work = commits.run(() => state.write('a')).then(() => (told = true));
    await Promise.resolve();
    expect([told, state.committed]).toEqual([false, []]);
    await work;
    expect(state.committed).toEqual([['a']]);
  });

  it('rejects all of a group when one of it fails, because nothing of it was committed', async () => {
    const state = ledgerOf();
    const commits = new CommitGroup(state);
    const good = commits.run(() => state.write('good'));
    const bad = commits.run(() => {
      throw new Error('disk full');
    });
    const after = await Promise.allSettled([good, bad]);
    expect(after.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(state.committed).toEqual([]);
  });

  it('takes what comes after the commit into the next one', async () => {
    const state = ledgerOf();
    const commits = new CommitGroup(state);
    await commits.run(() => state.write('first'));
    await commits.run(() => state.write('second'));
    expect(state.committed).toEqual([['first'], ['second']]);
  });
});
