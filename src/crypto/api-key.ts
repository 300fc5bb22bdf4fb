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

/** A public id as it is shown: the first half of the key. */
export const shownPublicId = (publicId: string): string => `db_${publicId}`;

/** CRC-32, which every change of neighbouring characters changes, as six digits of base 62. */
const checksumOf = ({ publicId, secret }: ApiKeyParts): string => {
  let rest = crc32(`${shownPublicId(publicId)}_${secret}`);
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
  key: shownPublicId(parts.publicId),
  secret: `${parts.secret}${checksumOf(parts)}`,
});

export const writeApiKey = (parts: ApiKeyParts): string => {
  const { key, secret } = halvesOf(parts);
  return `${key}_${secret}`;
};

const wholeLength = 'db_'.length + publicIdLength + '_'.length + secretLength + checksumLength;
/** Characters that somebody leaves out or types twice. */
const lengthTolerance = 4;

/**
 * Is it a key, perhaps with a typing error? It is then judged as one, and as no password or token. These may begin alike: people
 * choose their passwords, and opaque tokens are random. So the length counts too.
 */
export const isApiKeyShaped = (text: string): boolean =>
  beginsLikeApiKey(text) && Math.abs(text.length - wholeLength) <= lengthTolerance;

/** For text that can only be a key: of Drawbridge, or of another program. */
export const beginsLikeApiKey = (text: string): boolean => text.startsWith('db_');

/** Undefined when it is no key, or one with a typing error. */
export const readApiKey = (text: string): ApiKeyParts | undefined => {
  const [, publicId, secret, checksum] = wholeForm.exec(text) ?? [];
  if (publicId === undefined || secret === undefined) return undefined;
  return checksumOf({ publicId, secret }) === checksum ? { publicId, secret } : undefined;
};
