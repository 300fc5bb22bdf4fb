import {
  type AuditStreamState,
  type AuditStreams,
  longestLeaseMs,
  longestPauseMs,
} from '../storage-audit-streams.ts';
import { type AuditStreamDocument, rangeOf } from './documents.ts';
import { isDuplicateId } from './errors.ts';
import { call, reading, writing } from './limits.ts';
import type { Collections } from './models.ts';

const toState = ({
  _id,
  tenant,
  target,
  holder,
  leaseUntil,
  ...state
}: AuditStreamDocument): AuditStreamState => state;

const isOver = (member: 'nextAttemptAt' | 'leaseUntil', nowMs: number, longestMs: number) => [
  { [member]: { $lte: nowMs } },
  { [member]: { $gt: nowMs + longestMs } },
];

export const createAuditStreams = ({ auditStreams }: Collections, tenant: string): AuditStreams => ({
  claim: (target, { holder, leaseUntilMs, nowMs }) =>
    call(async () => {
      try {
        const claimed = await auditStreams.findOneAndUpdate(
          {
            ...{ _id: `${tenant}|${target}`, tenant },
            $and: [
              { $or: isOver('nextAttemptAt', nowMs, longestPauseMs) },
              { $or: [...isOver('leaseUntil', nowMs, longestLeaseMs), { holder }] },
            ],
          },
          {
            $set: { holder, leaseUntil: leaseUntilMs },
            $setOnInsert: { target, seq: 0, failures: 0, nextAttemptAt: 0 },
          },
          { ...writing, upsert: true, returnDocument: 'after' },
        );
        return claimed === null ? undefined : toState(claimed);
      } catch (error) {
        // it is there, and another process has it, or its time has not come
        if (isDuplicateId(error)) return undefined;
        throw error;
      }
    }),

  settle: (target, state, { holder, leaseUntilMs }) =>
    call(async () => {
      const { matchedCount } = await auditStreams.updateOne(
        { _id: `${tenant}|${target}`, tenant, holder },
        { $set: { ...state, leaseUntil: leaseUntilMs } },
        writing,
      );
      return matchedCount === 1;
    }),

  list: () =>
    call(async () => {
      const options = { ...reading, sort: { _id: 1 } } as const;
      const found = await auditStreams.find({ _id: rangeOf(tenant), tenant }, options).toArray();
      return found.map((document) => ({ target: document.target, ...toState(document) }));
    }),
});
