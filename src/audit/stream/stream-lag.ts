import type { TenantStorage } from '../../storage/storage.ts';
import type { AuditChainRecords, AuditLink } from '../../storage/storage-audit-chain.ts';
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

/** Number of the last link that there was; only the checkpoint is left of it when the retention of all records is over. */
export const findEnd = async (chain: Pick<AuditChainRecords, 'last' | 'lastCheckpoint'>): Promise<number> => {
  const [last, checkpoint] = await Promise.all([chain.last(), chain.lastCheckpoint()]);
  return Math.max(last?.seq ?? 0, checkpoint?.seq ?? 0);
};

const notBegun: AuditStreamState = { seq: 0, failures: 0, nextAttemptAt: 0 };

/** The place of one receiver; at the beginning, if it has none yet. */
export const stateOf = <State extends AuditStreamState & { readonly target: string }>(
  states: readonly State[],
  target: string,
): AuditStreamState => states.find((one) => one.target === target) ?? notBegun;

/** @param targets those that the file of the tenant names */
export const findStreamLags = async (
  { auditChain, auditStreams }: Pick<TenantStorage, 'auditChain' | 'auditStreams'>,
  targets: readonly string[],
): Promise<readonly StreamLag[]> => {
  // in this order, as a stream may go on meanwhile
  const states = await auditStreams.list();
  const lastSeq = await findEnd(auditChain);
  const lags = targets.map(async (target) => {
    const state = { ...stateOf(states, target), target };
    const [next] = await auditChain.links({ afterSeq: state.seq, limit: 1 });
    return lagOf(state, lastSeq, next?.link);
  });
  return Promise.all(lags);
};

const lagOf = (
  state: AuditStreamState & { readonly target: string },
  lastSeq: number,
  next: AuditLink | undefined,
): StreamLag => {
  if (next === undefined) return { ...state, lastSeq, waiting: 0 };
  const waitingSince = timeInId(next.recordId);
  const waiting = lastSeq - next.seq + 1;
  return { ...state, lastSeq, waiting, ...(waitingSince === undefined ? {} : { waitingSince }) };
};
