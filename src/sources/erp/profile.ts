/** Loads a profile: a shipped one by name, or anybody's YAML file. Every fault is listed with its line and path. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Document, LineCounter } from 'yaml';
import type { z } from 'zod';
import { EXIT, FatalError } from '../../errors.ts';
import { yaml } from '../../yaml.ts';
import type { ResourceName } from './field-names.ts';
import { literalSecrets } from './literal-secrets.ts';
import { keepParsed, parsedBefore } from './parsed-profile.ts';
import { Profile, type Resource } from './profile-schema.ts';
import { TrytonSettings } from './tryton/settings.ts';

export type { ResourceName } from './field-names.ts';
export type { Profile, Resource } from './profile-schema.ts';

const SHIPPED_FOLDER = join(import.meta.dirname, 'profiles');
const SHIPPED_NAME = /^[a-z0-9][a-z0-9-]*$/;
/** A profile is a page or two; anything larger is the wrong file. */
const PROFILE_CHARS_MAX = 1_000_000;
/** YAML aliases resolved before a document is taken for an attack. */
const ALIASES_MAX = 100;

/** The names that `loadProfile` resolves without a path. */
export const shippedProfiles = (): string[] =>
  readdirSync(SHIPPED_FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();

/** A shipped profile by name, else the YAML file at that path. Throws FatalError with every fault of the file. */
export function loadProfile(nameOrPath: string): Profile {
  const path = pathOf(nameOrPath);
  return parseProfile(readProfile(path), path);
}

function pathOf(nameOrPath: string): string {
  const shipped = SHIPPED_NAME.test(nameOrPath) && shippedProfiles().includes(nameOrPath);
  return shipped ? join(SHIPPED_FOLDER, `${nameOrPath}.yaml`) : nameOrPath;
}

/** The last text that was parsed: a run opens its own source and those that it joins, all from one file. */
let latest: { readonly path: string; readonly text: string; readonly description: Profile | TrytonSettings } | null =
  null;

/** What a name or file describes: a JSON API, or the settings of an adapter in code. */
export function loadDescription(nameOrPath: string): Profile | TrytonSettings {
  const path = pathOf(nameOrPath);
  const text = readProfile(path);
  if (latest?.path === path && latest.text === text) return latest.description;
  const description = /^adapter:/m.test(text) ? parseOnce(TrytonSettings, text, path) : parseOnce(Profile, text, path);
  latest = { path, text, description };
  return description;
}

/** The profile in a YAML text; `file` names it in faults. */
export const parseProfile = (text: string, file: string): Profile => parseAs(Profile, text, file);

/** As `parseAs`; what a run before this one has parsed is only validated. */
function parseOnce<T>(schema: z.ZodType<T>, text: string, file: string): T {
  const value = parsedBefore(file, text);
  const known = value === undefined ? undefined : schema.safeParse(value, { reportInput: false, jitless: true });
  if (known?.success && literalSecrets(value).length === 0) return known.data;
  return parseAs(schema, text, file, (plain) => keepParsed(file, text, plain));
}

function parseAs<T>(schema: z.ZodType<T>, text: string, file: string, onPlain?: (value: unknown) => void): T {
  const { LineCounter, parseDocument } = yaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntax = document.errors.map(({ pos, message }) => `${at(file, lines, pos[0])} ${message}`);
  if (syntax.length > 0) throw faulty(file, syntax);
  const value = plainValue(document, file);
  const place = (offset: number): string => at(file, lines, offset);
  const secrets = literalSecrets(value).map(
    ({ path, message }) => `${place(offsetOf(document, path))} ${path.join('.')}: ${message}`,
  );
  const parsed = schema.safeParse(value, { reportInput: false, jitless: true });
  if (parsed.success && secrets.length === 0) {
    onPlain?.(value);
    return parsed.data;
  }
  const faults = parsed.success ? [] : parsed.error.issues.flatMap((issue) => faultsOf(issue, document, place));
  throw faulty(file, [...secrets, ...faults]);
}

/** What the profile says about one resource. Throws FatalError when it says nothing. */
export function resourceOf(profile: Profile, name: ResourceName): Resource {
  const resource = profile.resources[name];
  if (resource) return resource;
  throw new FatalError(
    EXIT.usage,
    `the ERP profile "${profile.name}" describes no ${name}`,
    `add resources.${name} to the profile, or do not run this pipe`,
  );
}

function readProfile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FatalError(
      EXIT.usage,
      `the ERP profile ${path} cannot be read`,
      `set ERP_PROFILE to a YAML file or one of: ${shippedProfiles().join(', ')}`,
      { cause },
    );
  }
  if (text.length <= PROFILE_CHARS_MAX) return text;
  throw faulty(path, [`the file has more than ${PROFILE_CHARS_MAX} characters`]);
}

function plainValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch {
    throw faulty(file, [`${file}: its aliases expand to too much, or refer to nothing`]);
  }
}

function faultsOf(issue: z.core.$ZodIssue, document: Document, place: (offset: number) => string): string[] {
  const path = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys') {
    const isMissing = issue.path.length > 0 && !document.hasIn(issue.path) && issue.code === 'invalid_type';
    const isEmpty = issue.path.length > 0 && document.getIn(issue.path) === null;
    const wrong = isMissing ? 'is missing' : isEmpty ? 'is empty: fill it in' : issue.message;
    return [`${place(offsetOf(document, issue.path))} ${path.join('.') || 'profile'}: ${wrong}`];
  }
  return issue.keys.map((key) => {
    const offset = keyOffsetOf(document, [...issue.path, key]) ?? offsetOf(document, issue.path);
    return `${place(offset)} ${[...path, key].join('.')}: unknown setting`;
  });
}

/** Where the value at a path stands, or the nearest thing around it when the path is missing. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  const { isNode } = yaml();
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return keyOffsetOf(document, path.slice(0, depth)) ?? node.range[0];
  }
  return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
}

/** Where the key of a path stands; null when it has none, as items of a list. */
function keyOffsetOf(document: Document, path: readonly PropertyKey[]): number | null {
  const { isNode, isPair } = yaml();
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const items: unknown = isNode(parent) && 'items' in parent ? parent.items : [];
  if (!Array.isArray(items)) return null;
  const name = String(path.at(-1));
  const pair = items.filter(isPair).find(({ key }) => String(key) === name);
  return isNode(pair?.key) ? (pair.key.range?.[0] ?? null) : null;
}

function at(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
}

const faulty = (file: string, faults: readonly string[]): FatalError =>
  new FatalError(
    EXIT.usage,
    `the ERP profile ${file} has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    'correct the lines named above',
  );
