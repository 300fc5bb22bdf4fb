// Password hashes that other software has made: their kind, and whether they may be checked here.
import { parseArgon2Hash } from './argon2-hash.ts';
import { parseBcryptHash } from './bcrypt-hash.ts';
import { parseDigestHash } from './digest-hash.ts';
import { type ParsedHash, refusedHash } from './foreign-hash.ts';
import { parsePbkdf2Hash } from './pbkdf2-hash.ts';
import { parseScryptHash } from './scrypt-hash.ts';

const parsers = [parseArgon2Hash, parseBcryptHash, parsePbkdf2Hash, parseScryptHash, parseDigestHash];
const mostCharacters = 1024;

/**
 * Parses a hash and judges its cost. An import refuses what this refuses, so that no sign-in meets a hash that cannot
 * be checked.
 */
export const parsePasswordHash = (text: string): ParsedHash => {
  if (text.length > mostCharacters)
    return refusedHash(`longer than ${mostCharacters} characters, so no hash`);
  for (const parse of parsers) {
    const parsed = parse(text);
    if (parsed !== undefined) return parsed;
  }
  const scheme = /^\{([A-Za-z0-9-]{1,20})\}/.exec(text)?.[1]?.toUpperCase();
  const what = scheme === undefined ? 'in a form that is not known' : `{${scheme}}, which is not known`;
  return refusedHash(
    `${what}; known are argon2, bcrypt, PBKDF2, scrypt, {SSHA…}, {SHA…} and {CRYPT} with bcrypt`,
  );
};
