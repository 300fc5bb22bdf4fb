import { createHash } from 'node:crypto';

/** Where references are looked up. Passed in, so that this file does not read `process.env` itself. */
export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file. @throws Error with `code` when it cannot be read */
  readonly readFile: (path: string) => Buffer;
}

export type ResolvedSecret =
  | { readonly ok: true; readonly value: string; readonly inline: boolean }
  /** `message` names the reference, never a value. */
  | { readonly ok: false; readonly message: string };

const mostBytes = 64 * 1024;
const reference = /^(?:env:([A-Za-z_][A-Za-z0-9_]*)|file:(\/[^\s"'#,{}[\]]*))$/;
const references = /\benv:[A-Za-z_][A-Za-z0-9_]*|\bfile:\/[^\s"'#,{}[\]]*/g;

/** Resolves `env:NAME` or `file:/path`; any other text is the secret itself (`inline`). */
export const resolveSecret = (text: string, sources: SecretSources): ResolvedSecret => {
  const [matched, name, path] = reference.exec(text) ?? [];
  if (matched === undefined) {
    if (/^(?:env|file):/.test(text))
      return refuse(
        'is not a valid reference; write env:NAME or file:/absolute/path without spaces or quotes',
      );
    return { ok: true, value: text, inline: true };
  }
  if (name !== undefined) {
    const value = sources.env[name];
    if (value === undefined || value === '')
      return refuse(
        `refers to the environment variable ${name}, which is not set; set it, or write another reference`,
      );
    return { ok: true, value, inline: false };
  }
  return readSecretFile(path ?? '', sources.readFile);
};

/** The secret in a file, without the line end that editors add. */
export const readSecretFile = (path: string, readFile: SecretSources['readFile']): ResolvedSecret => {
  let bytes: Buffer;
  try {
    bytes = readFile(path);
  } catch (error) {
    return refuse(
      `refers to the file ${path}, which cannot be read (${codeOf(error)}); create it or change its rights`,
    );
  }
  if (bytes.length > mostBytes)
    return refuse(`refers to the file ${path}, which is larger than 64 KiB; no secret is`);
  const value = bytes.toString('utf8').replace(/\r?\n$/, '');
  if (value === '') return refuse(`refers to the file ${path}, which is empty; write the secret into it`);
  return { ok: true, value, inline: false };
};

export const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unreadable';

/**
 * SHA-256 over a file's text and the present values of its references: when it changes, the file has to be read
 * again. References are found by pattern and not by parsing, so that a thousand files are hashed quickly; `extraFiles`
 * are further files that the text refers to.
 */
export const hashWithSecrets = (
  text: string,
  sources: SecretSources,
  extraFiles: readonly string[] = [],
): string => {
  const hash = createHash('sha256').update(text);
  for (const match of new Set(text.match(references))) {
    const resolved = resolveSecret(match, sources);
    hash.update(`\0${match}\0${resolved.ok ? resolved.value : '\0absent'}`);
  }
  for (const path of extraFiles) {
    hash.update(`\0${path}\0`);
    try {
      hash.update(sources.readFile(path));
    } catch {
      hash.update('\0absent');
    }
  }
  return hash.digest('hex');
};

const refuse = (message: string): ResolvedSecret => ({ ok: false, message });
