import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { AuditLink } from '../../storage/storage-audit-chain.ts';
import type { AuditRecord } from '../../storage/storage-records.ts';
import type { ChainKeys } from './chain-keys.ts';

/** The hash in front of the first link. */
export const firstPreviousHash = '';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** SHA-256 of the record as JSON with its members by name, all that are stored. */
export const digestOf = (record: AuditRecord): string => {
  const members = Object.entries(record).filter(([, value]) => value !== undefined);
  return sha256(JSON.stringify(members.sort(([one], [other]) => (one < other ? -1 : 1))));
};

export const hashOf = (previousHash: string, { seq, digest }: Pick<AuditLink, 'seq' | 'digest'>): string =>
  sha256(JSON.stringify([previousHash, seq, digest]));

/** HMAC-SHA-256 of all that a link says: only an instance of Drawbridge can make or change one. */
const macOf = (
  { seq, recordId, digest, hash }: Omit<AuditLink, 'mac'>,
  { linkKey }: Pick<ChainKeys, 'linkKey'>,
): Buffer =>
  createHmac('sha256', linkKey)
    .update(JSON.stringify([seq, recordId, digest, hash]))
    .digest();

export const linkBehind = (
  previous: Pick<AuditLink, 'seq' | 'hash'> | undefined,
  record: AuditRecord,
  keys: ChainKeys,
): AuditLink => {
  const numbered = { seq: (previous?.seq ?? 0) + 1, recordId: record.id, digest: digestOf(record) };
  const link = { ...numbered, hash: hashOf(previous?.hash ?? firstPreviousHash, numbered) };
  return { ...link, mac: macOf(link, keys).toString('base64url') };
};

export const isGenuine = (link: AuditLink, keys: Pick<ChainKeys, 'linkKey'>): boolean => {
  const expected = macOf(link, keys);
  const given = Buffer.from(String(link.mac), 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
};
