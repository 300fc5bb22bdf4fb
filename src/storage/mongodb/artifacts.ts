import type { mongo } from 'mongoose';
import type { Clock } from '../../clock.ts';
import type { ArtifactKind } from '../artifact-kind.ts';
import { isTooSoon, slowDownSeconds, toleranceMs } from '../polling.ts';
import type { Artifact, ArtifactRef, Artifacts, Loaded, SignInsPage } from '../storage.ts';
import { toAccount } from './account-documents.ts';
import { findJoined, type LoadedDocument, runStep } from './artifact-commands.ts';
import { artifactKey, keyOf, toArtifact, toDocument } from './artifact-documents.ts';
import { planWrites } from './artifact-writes.ts';
import type { RunCommand } from './commands.ts';
import type { ArtifactDocument } from './documents.ts';
import { isDuplicateId } from './errors.ts';
import { call, reading, writing } from './limits.ts';

/** Each branch names the tenant, so that each can use its index. */
const toFilter = (tenant: string, refs: readonly ArtifactRef[]) => {
  const keys: string[] = [];
  const userCodes: string[] = [];
  for (const ref of refs) {
    if ('userCode' in ref) userCodes.push(ref.userCode);
    else keys.push(artifactKey(tenant, ref.kind, ref.id));
  }
  const branches = [
    ...(keys.length === 0 ? [] : [{ _id: keys.length === 1 ? keys[0] : { $in: keys }, tenant }]),
    ...(userCodes.length === 0 ? [] : [{ tenant, userCode: { $in: userCodes } }]),
  ];
  return branches.length === 1 ? branches[0] : { $or: branches };
};

const toLoaded = (documents: readonly LoadedDocument[], nowMs: number): Loaded => {
  const isAlive = (document: ArtifactDocument): boolean => document.expiresAt.getTime() > nowMs;
  const artifacts: Artifact[] = [];
  const linkedArtifacts = new Map<string, Artifact>();
  const linkedAccounts = new Map<string, Loaded['linkedAccounts'][number]>();
  for (const document of documents) {
    if (!isAlive(document)) continue;
    artifacts.push(toArtifact(document));
    for (const linked of document.linkedArtifacts) {
      if (isAlive(linked)) linkedArtifacts.set(linked._id, toArtifact(linked));
    }
    for (const account of document.linkedAccounts) linkedAccounts.set(account.sub, toAccount(account));
  }
  return {
    artifacts,
    linkedArtifacts: [...linkedArtifacts.values()],
    linkedAccounts: [...linkedAccounts.values()],
  };
};

/** The condition of `isTooSoon` as an expression of the server. */
const pollUpdate = (nowMs: number, intervalSeconds: number) => {
  const interval = { $ifNull: ['$pollInterval', intervalSeconds] };
  const allowedMs = { $subtract: [{ $multiply: [interval, 1000] }, toleranceMs] };
  const isSoon = { $lt: [{ $subtract: [nowMs, { $ifNull: ['$polledAt', 0] }] }, allowedMs] };
  const grown = { $cond: [isSoon, { $add: [interval, slowDownSeconds] }, interval] };
  return [{ $set: { polledAt: nowMs, pollInterval: grown } }];
};

/** What the indexes of sign-ins have of each kind. */
const signInsFilter = (
  tenant: string,
  accountId: string,
  kind: SignInsPage['kind'],
): mongo.Filter<ArtifactDocument> => {
  const own = { tenant, account: `${tenant}|${accountId}`, kind };
  if (kind === 'Session') return own;
  const absent = kind === 'GatewaySession' ? { links: null } : { consumedAt: null };
  return { ...own, ...absent } as unknown as mongo.Filter<ArtifactDocument>; // the driver's types have no null for an absent field
};

/** As the sort key of a kind has it. */
const placeOf = (tenant: string, kind: SignInsPage['kind'], id: string): string =>
  kind === 'RefreshToken' ? id : artifactKey(tenant, kind, id);

/** More sessions than any person has, so that one batch and one trip suffice. */
const sessionsPerBatch = 10_000;

export interface ArtifactStore {
  readonly collection: mongo.Collection<ArtifactDocument>;
  readonly run: RunCommand;
}

export const createArtifacts = (
  { collection, run }: ArtifactStore,
  clock: Clock,
  tenant: string,
): Artifacts => {
  const alive = (kind: ArtifactKind, id: string) => ({
    _id: artifactKey(tenant, kind, id),
    tenant,
    expiresAt: { $gt: new Date(clock.now()) },
  });
  const listOf = (kind: 'Session' | 'GatewaySession', accountId: string): Promise<readonly Artifact[]> =>
    call(async () => {
      const filter = signInsFilter(tenant, accountId, kind);
      const isAlive = { expiresAt: { $gt: new Date(clock.now()) } };
      const found = collection.find({ ...filter, ...isAlive }, { ...reading, batchSize: sessionsPerBatch });
      return (await found.toArray()).map(toArtifact);
    });
  return {
    load: async (refs) => {
      if (refs.length === 0) return { artifacts: [], linkedArtifacts: [], linkedAccounts: [] };
      const documents = await call(() => findJoined(run, toFilter(tenant, refs), refs.length));
      return toLoaded(documents, clock.now());
    },

    write: (writes) =>
      call(async () => {
        for (const step of planWrites(tenant, writes, new Date(clock.now()))) {
          await runStep(run, tenant, step);
        }
      }),

    tryInsert: (artifact) =>
      call(async () => {
        const filter = { _id: keyOf(tenant, artifact), tenant, expiresAt: { $lte: new Date(clock.now()) } };
        try {
          await collection.replaceOne(filter, toDocument(tenant, artifact), { ...writing, upsert: true });
          return true;
        } catch (error) {
          if (isDuplicateId(error)) return false;
          throw error;
        }
      }),

    consume: (kind, id, nowMs) =>
      call(async () => {
        const before = await collection.findOneAndUpdate(
          alive(kind, id),
          [{ $set: { consumedAt: { $ifNull: ['$consumedAt', nowMs] } } }],
          { ...writing, projection: { _id: 0, consumedAt: 1 }, returnDocument: 'before' },
        );
        if (before === null) return undefined;
        return before.consumedAt === undefined
          ? { won: true, consumedAt: nowMs }
          : { won: false, consumedAt: before.consumedAt };
      }),

    replaceInPhase: (artifact, from) =>
      call(async () => {
        const document = toDocument(tenant, artifact);
        const absent = (
          ['links', 'account', 'grantId', 'userCode', 'phase', 'authorizations'] as const
        ).filter((name) => document[name] === undefined);
        const { matchedCount } = await collection.updateOne(
          { ...alive('DeviceCode', artifact.id), phase: { $in: [...from] }, consumedAt: { $exists: false } },
          { $set: document, $unset: Object.fromEntries(absent.map((name) => [name, ''])) },
          writing,
        );
        return matchedCount === 1;
      }),

    poll: (id, nowMs, intervalSeconds) =>
      call(async () => {
        const before = await collection.findOneAndUpdate(
          alive('DeviceCode', id),
          pollUpdate(nowMs, intervalSeconds),
          { ...writing, returnDocument: 'before' },
        );
        if (before === null) return undefined;
        const { polledAt, pollInterval = intervalSeconds } = before;
        const tooSoon = polledAt !== undefined && isTooSoon(nowMs - polledAt, pollInterval);
        return { artifact: toArtifact(before), tooSoon };
      }),

    sessionsOf: (accountId) => listOf('Session', accountId),

    gatewaySessionsOf: (accountId) => listOf('GatewaySession', accountId),

    gatewaySessionsWith: (sessionIds, limit) =>
      call(async () => {
        const links = sessionIds.map((id) => artifactKey(tenant, 'Session', id));
        const filter = { tenant, kind: 'GatewaySession', links: { $in: links } } as const;
        const isAlive = { expiresAt: { $gt: new Date(clock.now()) } };
        const page = { ...reading, limit, batchSize: limit } as const;
        return (await collection.find({ ...filter, ...isAlive }, page).toArray()).map(toArtifact);
      }),

    signInsOf: (accountId, { kind, after, limit }) =>
      call(async () => {
        const isAlive = { expiresAt: { $gt: new Date(clock.now()) } };
        const own = { ...signInsFilter(tenant, accountId, kind), ...isAlive };
        const key = kind === 'RefreshToken' ? 'grantId' : '_id';
        const filter =
          after === undefined
            ? { ...own, signedInAt: { $exists: true } }
            : {
                $or: [
                  { ...own, signedInAt: after.signedInAt, [key]: { $lt: placeOf(tenant, kind, after.id) } },
                  { ...own, signedInAt: { $lt: after.signedInAt } },
                ],
              };
        const page = { ...reading, sort: { signedInAt: -1, [key]: -1 }, limit, batchSize: limit } as const;
        return (await collection.find(filter, page).toArray()).map(toArtifact);
      }),

    grantsOf: (accountId, { afterId, limit }) =>
      call(async () => {
        const filter = { tenant, account: `${tenant}|${accountId}`, kind: 'Grant' } as const;
        const isBehind = afterId === undefined ? {} : { _id: { $gt: artifactKey(tenant, 'Grant', afterId) } };
        const isAlive = { expiresAt: { $gt: new Date(clock.now()) } };
        const page = { ...reading, sort: { _id: 1 }, limit, batchSize: limit } as const;
        return (await collection.find({ ...filter, ...isBehind, ...isAlive }, page).toArray()).map(
          toArtifact,
        );
      }),

    tokensOfGrant: (grantId) =>
      call(async () => {
        const filter = { tenant, grantId, expiresAt: { $gt: new Date(clock.now()) } };
        return (await collection.find(filter, { ...reading, batchSize: sessionsPerBatch }).toArray()).map(
          toArtifact,
        );
      }),
  };
};
