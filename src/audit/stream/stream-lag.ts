import type { TenantStorage } from '../../storage/storage.ts';
import type { AuditLink } from '../../storage/storage-audit-chain.ts';
import type { AuditStreamState } from '../../storage/storage-audit-streams.ts';
import { timeInId } from '../chain/chain-report.ts';

/** How far one receiver is behind. */
export interface StreamLag extends AuditStreamState {
  readonly target: string;
  /** Number of the last record in the chain. */
  readonly lastSeq: number;
  /** Records in the chain that it does not have yet. */
  readonly waiting: number;
  /** Epoch milliseconds: the time of the oldest of them. */
  readonly waitingSince?: number;
}

const notBegun: AuditStreamState = { seq: 0, failures: 0, nextAttemptAt: 0 };

/** @param targets those that the file of the tenant names */
export const findStreamLags = async (
  { auditChain, auditStreams }: Pick<TenantStorage, 'auditChain' | 'auditStreams'>,
  targets: readonly string[],
): Promise<readonly StreamLag[]> => {
  const [states, last] = await Promise.all([auditStreams.list(), auditChain.last()]);
  const lags = targets.map(async (target) => {
    const state = states.find((one) => one.target === target) ?? { target, ...notBegun };
    const [next] = await auditChain.links({ afterSeq: state.seq, limit: 1 });
    return lagOf(state, last, next?.link);
  });
  return Promise.all(lags);
};

const lagOf = (
  state: AuditStreamState & { readonly target: string },
  last: AuditLink | undefined,
  next: AuditLink | undefined,
): StreamLag => {
  const lastSeq = last?.seq ?? state.seq;
  if (next === undefined) return { ...state, lastSeq, waiting: 0 };
  const waitingSince = timeInId(next.recordId);
  const waiting = lastSeq - next.seq + 1;
  return { ...state, lastSeq, waiting, ...(waitingSince === undefined ? {} : { waitingSince }) };
};
