// Records of what anybody may cause, however often: a flood must not fill the audit record.
import type { Allowance } from '../config/tenant/tenant-definition.ts';
import type { Throttle } from './throttle.ts';

/** So many with this key are recorded in a window, and no more. */
export interface RecordBound {
  readonly key: string;
  readonly allowance: Allowance;
}

/**
 * @param note is called unless there are too many; the last record says that it is the last
 * @throws AppError `unavailable`
 */
export const noteWithin = async (
  throttle: Pick<Throttle, 'spend'>,
  { key, allowance, reason }: RecordBound & { readonly reason: string },
  note: (reason: string) => Promise<void>,
): Promise<void> => {
  const { isAllowed, count } = await throttle.spend(key, allowance);
  if (!isAllowed) return;
  await note(count === allowance.points ? `${reason}, no more are recorded in this hour` : reason);
};
