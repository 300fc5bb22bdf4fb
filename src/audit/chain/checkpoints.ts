import { CompactSign, compactVerify } from 'jose';
import type { AuditChainRecords } from '../../storage/storage-audit-chain.ts';
import type { ChainKeys } from './chain-keys.ts';

export interface Checkpoint {
  readonly tenant: string;
  /** Number and hash of the link that it signs, and so of all before it. */
  readonly seq: number;
  readonly hash: string;
  /** Epoch milliseconds of the signature. */
  readonly at: number;
  /** The first number that the store must still have. */
  readonly from: number;
}

/** Does it say that all records up to its own were removed when their retention was over? */
export const isMark = ({ seq, from }: Pick<Checkpoint, 'seq' | 'from'>): boolean => from === seq + 1;

/** A type of its own (RFC 8725 section 3.11), so that it can be taken for no token. */
const typ = 'drawbridge-audit-checkpoint';

/** @returns a compact JWS (RFC 7515) */
export const signCheckpoint = (
  link: Pick<Checkpoint, 'seq' | 'hash'>,
  { at, from }: Pick<Checkpoint, 'at' | 'from'>,
  { tenant, signingKey }: ChainKeys,
): Promise<string> => {
  const checkpoint: Checkpoint = { tenant, seq: link.seq, hash: link.hash, at, from };
  return new CompactSign(Buffer.from(JSON.stringify(checkpoint)))
    .setProtectedHeader({ alg: 'EdDSA', typ })
    .sign(signingKey);
};

/** @returns undefined when this tenant's key has not signed it as a checkpoint */
export const verifyCheckpoint = async (
  jws: string,
  { tenant, verifyingKey }: ChainKeys,
): Promise<Checkpoint | undefined> => {
  try {
    const { payload, protectedHeader } = await compactVerify(jws, verifyingKey, { algorithms: ['EdDSA'] });
    if (protectedHeader.typ !== typ) return undefined;
    const checkpoint = JSON.parse(Buffer.from(payload).toString()) as Checkpoint; // signed by signCheckpoint
    return checkpoint.tenant === tenant ? checkpoint : undefined;
  } catch {
    return undefined;
  }
};

/** The oldest checkpoint, if it says that the records up to its own were removed. */
export const findMark = async (
  chain: Pick<AuditChainRecords, 'checkpoints'>,
  keys: ChainKeys,
): Promise<Checkpoint | undefined> => {
  const [oldest] = await chain.checkpoints({ afterSeq: 0, limit: 1 });
  const checkpoint = oldest === undefined ? undefined : await verifyCheckpoint(oldest.jws, keys);
  return checkpoint !== undefined && checkpoint.seq === oldest?.seq && isMark(checkpoint)
    ? checkpoint
    : undefined;
};
