import type { mongo } from 'mongoose';
import type { AuditChainRecords, AuditCheckpoint, AuditLink, SeqRange } from '../storage-audit-chain.ts';
import type { AuditRecord } from '../storage-records.ts';
import type { AuditCheckpointDocument, AuditDocument, AuditLinkDocument } from './documents.ts';
import { isDuplicate } from './errors.ts';
import { call, reading, writing } from './limits.ts';
import type { Collections } from './models.ts';

/** Numbers of the chain in `_id` sort as text. */
const digits = 16;

const idOf = (tenant: string, seq: number): string => `${tenant}|${seq.toString().padStart(digits, '0')}`;

export const toLinkDocument = (tenant: string, link: AuditLink): AuditLinkDocument => ({
  ...link,
  _id: idOf(tenant, link.seq),
  tenant,
  record: `${tenant}|${link.recordId}`,
});

export const toCheckpointDocument = (
  tenant: string,
  checkpoint: AuditCheckpoint,
): AuditCheckpointDocument => ({ ...checkpoint, _id: idOf(tenant, checkpoint.seq), tenant });

export const toLink = ({ seq, recordId, digest, hash, mac }: AuditLink): AuditLink => ({
  ...{ seq, recordId, digest, hash, mac },
});

export const toCheckpoint = ({ seq, at, jws }: AuditCheckpoint): AuditCheckpoint => ({ seq, at, jws });

/** With every field that is stored: one that somebody added changes the digest. */
export const toAuditRecord = ({ _id, tenant, isMarked, ...record }: AuditDocument): AuditRecord => record;

/** `null`: those without the field, which are the ones in the index of its own. */
const withoutMark = { isMarked: null } as unknown as mongo.Filter<AuditDocument>; // the driver's types have no null for an absent field

const lookUpLink = {
  $lookup: { from: 'auditLinks', localField: '_id', foreignField: 'record', as: 'links' },
};

interface WithLinks extends AuditDocument {
  readonly links: readonly AuditLinkDocument[];
}

const oldestFirst = { at: 1, _id: 1 } as const;

export const createAuditChain = (
  { audit, auditLinks, auditCheckpoints }: Collections,
  tenant: string,
): AuditChainRecords => ({
  unmarked: ({ untilMs, limit }) =>
    call(async () => {
      const matching = { tenant, ...withoutMark, at: { $lte: untilMs } };
      const pipeline = [{ $match: matching }, { $sort: oldestFirst }, { $limit: limit }, lookUpLink];
      const found = await audit.aggregate<WithLinks>(pipeline, { ...reading, batchSize: limit }).toArray();
      return found.map(({ links, ...document }) => ({
        record: toAuditRecord(document),
        isLinked: links.length > 0,
      }));
    }),

  append: (links) =>
    call(async () => {
      try {
        const documents = links.map((link) => toLinkDocument(tenant, link));
        await auditLinks.insertMany(documents, { ...writing, ordered: true });
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    }),

  mark: (recordIds) =>
    call(async () => {
      const ids = recordIds.map((id) => `${tenant}|${id}`);
      await audit.updateMany({ _id: { $in: ids }, tenant }, { $set: { isMarked: true } }, writing);
    }),

  last: () =>
    call(async () => {
      const found = await auditLinks.findOne({ tenant }, { ...reading, sort: { seq: -1 } });
      return found === null ? undefined : toLink(found);
    }),

  links: ({ afterSeq, limit }) =>
    call(async () => {
      const pipeline = [
        { $match: { tenant, seq: { $gt: afterSeq } } },
        { $sort: { seq: 1 } },
        { $limit: limit },
        { $lookup: { from: 'audit', localField: 'record', foreignField: '_id', as: 'records' } },
      ];
      const found = await auditLinks
        .aggregate<AuditLinkDocument & { readonly records: readonly AuditDocument[] }>(pipeline, {
          ...reading,
          batchSize: limit,
        })
        .toArray();
      return found.map(({ records: [document], ...link }) => ({
        link: toLink(link),
        record: document === undefined ? undefined : toAuditRecord(document),
      }));
    }),

  records: ({ after, limit }) =>
    call(async () => {
      const position =
        after === undefined
          ? {}
          : {
              at: { $gte: after.at },
              $or: [{ at: { $gt: after.at } }, { _id: { $gt: `${tenant}|${after.id}` } }],
            };
      const pipeline = [
        { $match: { tenant, ...position } },
        { $sort: oldestFirst },
        { $limit: limit },
        lookUpLink,
      ];
      const found = await audit.aggregate<WithLinks>(pipeline, { ...reading, batchSize: limit }).toArray();
      return found.map(({ links: [link], ...document }) => ({
        record: toAuditRecord(document),
        seq: link?.seq,
        isMarked: document.isMarked !== undefined,
      }));
    }),

  insertCheckpoint: (checkpoint) =>
    call(async () => {
      try {
        await auditCheckpoints.insertOne(toCheckpointDocument(tenant, checkpoint), writing);
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    }),

  lastCheckpoint: () =>
    call(async () => {
      const found = await auditCheckpoints.findOne({ tenant }, { ...reading, sort: { seq: -1 } });
      return found === null ? undefined : toCheckpoint(found);
    }),

  checkpoints: ({ afterSeq, limit }) =>
    call(async () => {
      const options = { ...reading, sort: { seq: 1 }, limit, batchSize: limit } as const;
      const found = await auditCheckpoints.find({ tenant, seq: { $gt: afterSeq } }, options).toArray();
      return found.map(toCheckpoint);
    }),

  checkpointUpTo: ({ seq, untilMs }) =>
    call(async () => {
      const filter = { tenant, seq: { $lte: seq }, at: { $lte: untilMs } };
      const found = await auditCheckpoints.findOne(filter, { ...reading, sort: { seq: -1 } });
      return found === null ? undefined : toCheckpoint(found);
    }),

  replaceCheckpoint: ({ seq, at, jws }, previousJws) =>
    call(async () => {
      const filter = { tenant, seq, jws: previousJws };
      const { matchedCount } = await auditCheckpoints.updateOne(filter, { $set: { at, jws } }, writing);
      return matchedCount === 1;
    }),

  removeCheckpoints: (range) =>
    call(async () => {
      await auditCheckpoints.deleteMany(withSeqIn(tenant, range), writing);
    }),

  removeLinks: (range) =>
    call(async () => {
      await auditLinks.deleteMany(withSeqIn(tenant, range), writing);
    }),

  removeRecords: (recordIds) =>
    call(async () => {
      const ids = recordIds.map((id) => `${tenant}|${id}`);
      await audit.deleteMany({ _id: { $in: ids }, tenant }, writing);
    }),
});

const withSeqIn = (tenant: string, { fromSeq, toSeq }: SeqRange) => ({
  tenant,
  seq: { $gte: fromSeq, $lte: toSeq },
});

export const tenantsWithUnmarkedAudit = (
  { audit }: Collections,
  untilMs: number,
): Promise<readonly string[]> => {
  // the condition on the tenant is for the index, which begins with it
  const matching = { tenant: { $gt: '' }, ...withoutMark, at: { $lte: untilMs } };
  return call(() => audit.distinct('tenant', matching, reading));
};
