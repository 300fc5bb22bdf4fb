import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** The parts of an API key: `db_<public id>_<secret><checksum>`. */
export interface ApiKeyParts {
  /** Not secret: it may be in logs and lists. */
  readonly publicId: string;
  readonly secret: string;
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const publicIdLength = 16;
/** 166 bits. */
const secretLength = 28;
const checksumLength = 6;

/** For secret scanners, as docs/keys.md has it. */
export const apiKeyPattern = `db_[0-9A-Za-z]{${publicIdLength}}_[0-9A-Za-z]{${secretLength + checksumLength}}`;

const wholeForm = new RegExp(
  `^db_([0-9A-Za-z]{${publicIdLength}})_([0-9A-Za-z]{${secretLength}})([0-9A-Za-z]{${checksumLength}})$`,
);

const randomText = (length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');

/** CRC-32, which every change of neighbouring characters changes, as six digits of base 62. */
const checksumOf = ({ publicId, secret }: ApiKeyParts): string => {
  let rest = crc32(`db_${publicId}_${secret}`);
  let digits = '';
  for (let n = 0; n < checksumLength; n += 1) {
    digits = `${alphabet[rest % alphabet.length]}${digits}`;
    rest = Math.floor(rest / alphabet.length);
  }
  return digits;
};

export const newApiKey = (): ApiKeyParts => ({
  publicId: randomText(publicIdLength),
  secret: randomText(secretLength),
});

/** The two halves of a key, for headers of their own. */
export const halvesOf = (parts: ApiKeyParts): { readonly key: string; readonly secret: string } => ({
  key: `db_${parts.publicId}`,
  secret: `${parts.secret}${checksumOf(parts)}`,
});

export const writeApiKey = (parts: ApiKeyParts): string => {
  const { key, secret } = halvesOf(parts);
  return `${key}_${secret}`;
};

/** Does it begin like a key? It is then judged as one, and as no password or token. */
export const isApiKeyShaped = (text: string): boolean => /^db_[0-9A-Za-z]*(_|$)/.test(text);

/** Undefined when it is no key, or one with a typing error. */
export const readApiKey = (text: string): ApiKeyParts | undefined => {
  const [, publicId, secret, checksum] = wholeForm.exec(text) ?? [];
  if (publicId === undefined || secret === undefined) return undefined;
  return checksumOf({ publicId, secret }) === checksum ? { publicId, secret } : undefined;
};
