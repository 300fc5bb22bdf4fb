import type { AccountRecords } from '../storage.ts';
import { toAccount, toDocument, toUpdate } from './account-documents.ts';
import { rangeOf } from './documents.ts';
import { isDuplicate } from './errors.ts';
import { call, reading, writing } from './limits.ts';
import type { Collections } from './models.ts';

export const createAccounts = ({ accounts }: Collections, tenant: string): AccountRecords => ({
  findBySub: (sub) =>
    call(async () => {
      const document = await accounts.findOne({ _id: `${tenant}|${sub}`, tenant }, reading);
      return document === null ? undefined : toAccount(document);
    }),

  findByLogin: (login) =>
    call(async () => {
      const document = await accounts.findOne({ tenant, logins: login }, reading);
      return document === null ? undefined : toAccount(document);
    }),

  findByIdentity: (identityKey) =>
    call(async () => {
      const document = await accounts.findOne({ tenant, identityKeys: identityKey }, reading);
      return document === null ? undefined : toAccount(document);
    }),

  insert: (account) =>
    call(async () => {
      try {
        await accounts.insertOne(toDocument(tenant, account), writing);
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    }),

  update: (sub, patch, expectedVersion) =>
    call(async () => {
      const version = expectedVersion === undefined ? {} : { version: expectedVersion };
      try {
        const filter = { _id: `${tenant}|${sub}`, tenant, ...version };
        const { matchedCount } = await accounts.updateOne(filter, toUpdate(patch), writing);
        return matchedCount === 1;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    }),

  list: ({ afterSub, origin, limit }) =>
    call(async () => {
      const range = rangeOf(tenant);
      const _id = afterSub === undefined ? range : { $gt: `${tenant}|${afterSub}`, $lt: range.$lt };
      const options = { ...reading, sort: { _id: 1 }, limit, batchSize: limit } as const;
      const whose = origin === undefined ? {} : { origin };
      return (await accounts.find({ _id, tenant, ...whose }, options).toArray()).map(toAccount);
    }),

  count: () =>
    call(async () => {
      const counted = await accounts
        .aggregate<{ n: number }>([{ $match: { _id: rangeOf(tenant), tenant } }, { $count: 'n' }], reading)
        .toArray();
      return counted[0]?.n ?? 0;
    }),

  dueForDeletion: ({ nowMs, limit }) =>
    call(async () => {
      const options = { ...reading, sort: { deleteAt: 1 }, limit, batchSize: limit } as const;
      return (await accounts.find({ deleteAt: { $lte: nowMs }, tenant }, options).toArray()).map(toAccount);
    }),

  withEndedEmails: ({ nowMs, limit }) =>
    call(async () => {
      const options = { ...reading, sort: { [oldestEmail]: 1 }, limit, batchSize: limit } as const;
      return (await accounts.find({ [oldestEmail]: { $lte: nowMs }, tenant }, options).toArray()).map(
        toAccount,
      );
    }),
});

/** As in the index. */
const oldestEmail = 'formerEmails.0.until';

export const tenantsWithDueDeletions = (
  { accounts }: Collections,
  nowMs: number,
): Promise<readonly string[]> =>
  // the condition on the tenant is for the index, which begins with it
  call(() => accounts.distinct('tenant', { tenant: { $gt: '' }, deleteAt: { $lte: nowMs } }, reading));

export const tenantsWithEndedEmails = (
  { accounts }: Collections,
  nowMs: number,
): Promise<readonly string[]> =>
  call(() => accounts.distinct('tenant', { tenant: { $gt: '' }, [oldestEmail]: { $lte: nowMs } }, reading));
