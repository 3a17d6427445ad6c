/** How a profile says who we are. Secrets stand in the environment; a profile only names them: `${ERP_PASSWORD}`. */
import { z } from 'zod';
import { PLACEHOLDER, placeholder } from './placeholders.ts';
import { exactlyOne, name, Path, relativePath } from './profile-words.ts';

const headerName = name.regex(/^[A-Za-z0-9-]+$/, 'must be a header name');

/** What is sent as secret: placeholders, and nothing between them but punctuation. */
const reference = name.refine(
  (text) => text.includes('${') && /^[\s:;,|-]*$/.test(text.replaceAll(PLACEHOLDER, '')),
  `must be made of ${placeholder('TOKEN')}, ${placeholder('USER')} and the like: a secret is not written in a profile`,
);

const isSafeUrl = (text: string): boolean => {
  const url = text.replaceAll(PLACEHOLDER, 'x');
  if (!/^[a-z]+:/i.test(url)) return !url.startsWith('//');
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  const isLoopback = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
  return (protocol === 'https:' || (protocol === 'http:' && isLoopback)) && username === '' && password === '';
};

/** OAuth 2.0 client credentials (RFC 6749, 4.4): ERP_USER is the client's id, ERP_PASSWORD its secret. */
const OAuth2 = z.strictObject({
  scheme: z.literal('oauth2'),
  /** A whole https address, or a path below the base URL. */
  tokenUrl: name.refine(isSafeUrl, 'must be an https address without credentials, or a path below the base URL'),
  scope: name.optional(),
  audience: name.optional(),
  /** Where the client's id and secret go: in the form, or as basic authorization. */
  clientIn: z.enum(['body', 'header']).default('body'),
});

/** A call that signs in: its answer carries a token, or sets the cookies of a session. */
const Login = z
  .strictObject({
    scheme: z.literal('login'),
    path: relativePath,
    method: z.enum(['POST', 'GET']).default('POST'),
    send: z.enum(['json', 'form']).default('json'),
    /** What is sent; secrets as `${ERP_PASSWORD}`. */
    body: z.record(z.string(), z.string()).default({}),
    /** `from`: where the answer carries it; then it goes into `header`, behind `prefix`. */
    token: z
      .strictObject({ from: Path, header: headerName.default('Authorization'), prefix: z.string().default('Bearer ') })
      .optional(),
    /** The cookies that the answer sets are sent with each request. */
    cookie: z.literal(true).optional(),
  })
  .refine(exactlyOne(['token', 'cookie']), 'must have token or cookie');

export const Auth = z.discriminatedUnion('scheme', [
  z.strictObject({ scheme: z.literal('bearer') }),
  /** `Authorization: token key:secret` is `{ header: Authorization, prefix: 'token ' }`. */
  z.strictObject({
    scheme: z.literal('header'),
    header: headerName,
    prefix: z.string().max(20).default(''),
    value: reference.default(placeholder('TOKEN')),
  }),
  z.strictObject({ scheme: z.literal('basic') }),
  OAuth2,
  Login,
]);
export type Auth = z.output<typeof Auth>;
export type OAuth2 = z.output<typeof OAuth2>;
export type Login = z.output<typeof Login>;
