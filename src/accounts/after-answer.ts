import { definedOnly } from '../defined-only.ts';
import type { Log } from '../log.ts';

/** Work that the answer must not wait for, so that its time and its errors say nothing of whom the work is about. */
export interface AfterAnswer {
  forTenant(tenant: string): RunAfterAnswer;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** Never throws. Work that fails is logged; work beyond 50 tasks of a tenant is left out, which is logged too. */
export type RunAfterAnswer = (task: AnsweredTask) => void;

export interface AnsweredTask {
  /** For the log: what does not happen when the work fails or is left out. */
  readonly what: string;
  readonly requestId?: string;
  readonly work: () => Promise<void>;
}

const atOncePerTenant = 50;

export const createAfterAnswer = (log: Log): AfterAnswer => {
  const underWay = new Map<Promise<void>, string>();

  return {
    forTenant:
      (tenant) =>
      ({ what, requestId, work }) => {
        const facts = { tenant, what, ...definedOnly({ requestId }) };
        const ownTasks = [...underWay.values()].filter((other) => other === tenant).length;
        if (ownTasks >= atOncePerTenant) {
          log.warn(facts, 'too much work after answers is under way; this is left out');
          return;
        }
        const task: Promise<void> = new Promise<void>((resolve) => setImmediate(resolve))
          .then(work)
          .catch((err: unknown) => log.error({ ...facts, err }, 'work after an answer failed'))
          .finally(() => underWay.delete(task));
        underWay.set(task, tenant);
      },

    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay.keys());
    },
  };
};
