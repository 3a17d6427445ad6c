/** The ways a message leaves: each has its deadline and never throws; a reason is a code, since an address is a secret. */
import type { Config } from '../config.ts';
import type { Message } from './message.ts';
import { request } from './request.ts';

export interface Channel {
  readonly name: 'slack' | 'webhook' | 'mail';
  /** Null when the other side took it, else why not. */
  send(message: Message): Promise<string | null>;
}

type Alerts = Pick<Config['alerts'], 'slackWebhookUrl' | 'webhookUrl' | 'mail'>;

export function channelsOf({ slackWebhookUrl, webhookUrl, mail }: Alerts): Channel[] {
  return [
    ...(slackWebhookUrl === null
      ? []
      : [channel('slack', ({ subject, text }) => post(slackWebhookUrl, { text: slackText(`${subject}\n${text}`) }))]),
    ...(webhookUrl === null ? [] : [channel('webhook', ({ document }) => post(webhookUrl, document))]),
    ...(mail === null ? [] : [channel('mail', async (message) => (await import('./mail.ts')).mailTo(mail, message))]),
  ];
}

const channel = (name: Channel['name'], send: Channel['send']): Channel => ({ name, send });

/** Slack reads `<!channel>` and links in angle brackets: docs.slack.dev/messaging/formatting-message-text */
export const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const post = (url: string, body: unknown): Promise<string | null> =>
  request(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^status (401|403)$/, 'the other side refuses this address: make a new one and set the variable to it'],
  [/^status (404|410)$/, 'the address is gone: make a new one and set the variable to it'],
  [/^status 3\d\d$/, 'it redirects, which is not followed: set the variable to the address it leads to'],
  [/^status 429$/, 'too many messages for the other side: try again later'],
  [/^status 5/, 'the other side is in trouble: try again later'],
  [/^(timeout|ETIMEDOUT)$/, 'no answer in time: see the address, the port and the network'],
  [/^(ENOTFOUND|EAI_AGAIN|EDNS)$/, 'no such host: correct the address, or see the network'],
  [/^ECONNREFUSED$/, 'nobody listens there: correct the address or the port'],
  [/^EAUTH$/, 'the mail server refused user or password: correct ALERT_SMTP_URL'],
  [/^(EENVELOPE|EMESSAGE)$/, 'the mail server refused sender or receiver: correct ALERT_EMAIL_TO'],
  [/^ETLS$/, 'the server offers no encryption: use smtps://, or a server with STARTTLS'],
  [
    /CERT|TLS|SSL|UNABLE_TO_VERIFY/,
    'its certificate is not trusted: a private authority goes into NODE_EXTRA_CA_CERTS',
  ],
];

/** What to do about a reason. */
export const adviceOn = (reason: string): string =>
  ADVICE.find(([pattern]) => pattern.test(reason))?.[1] ?? 'see the address and the network';
