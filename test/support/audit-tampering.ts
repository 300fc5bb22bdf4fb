import mongoose from 'mongoose';
import { databaseFile } from '../../src/storage/sqlite/connection.ts';
import { loadDriver } from '../../src/storage/sqlite/driver.ts';
import type { AuditCheckpoint, AuditLink } from '../../src/storage/storage-audit-chain.ts';
import type { AuditRecord } from '../../src/storage/storage-records.ts';

/** What somebody does who can write the store and has no key of Drawbridge. Of the tenant `acme`. */
export interface Tampering {
  changeRecord(record: AuditRecord): Promise<void>;
  removeRecord(id: string): Promise<void>;
  /** With the mark of one that is in the chain. */
  insertRecord(record: AuditRecord): Promise<void>;
  removeLinks(fromSeq: number, toSeq: number): Promise<void>;
  /** In place of the one with this number, if there is one. */
  putLink(link: AuditLink): Promise<void>;
  removeCheckpoints(fromSeq: number): Promise<void>;
  changeCheckpoint(checkpoint: AuditCheckpoint): Promise<void>;
  unmark(): Promise<void>;
  close(): Promise<void>;
}

export const openTampering = (url: string): Promise<Tampering> =>
  url.startsWith('file:') ? openFile(url.slice('file:'.length)) : openDatabase(url);

const openFile = async (folder: string): Promise<Tampering> => {
  const database = (await loadDriver())(databaseFile(folder));
  database.exec('PRAGMA busy_timeout = 2000');
  const run = async (sql: string, ...values: (string | number)[]): Promise<void> => {
    database.prepare(sql).run(...values);
  };
  return {
    changeRecord: ({ id, ...record }) =>
      run('UPDATE audit SET value = ? WHERE id = ?', JSON.stringify({ id, ...record }), id),
    removeRecord: (id) => run('DELETE FROM audit WHERE id = ?', id),
    insertRecord: (record) =>
      run(
        "INSERT INTO audit (tenant, id, at, value, is_marked) VALUES ('acme', ?, ?, ?, 1)",
        ...[record.id, record.at, JSON.stringify(record)],
      ),
    removeLinks: (fromSeq, toSeq) => run('DELETE FROM audit_links WHERE seq BETWEEN ? AND ?', fromSeq, toSeq),
    putLink: ({ seq, recordId, digest, hash, mac }) =>
      run(
        "INSERT OR REPLACE INTO audit_links (tenant, seq, record_id, digest, hash, mac) VALUES ('acme', ?, ?, ?, ?, ?)",
        ...[seq, recordId, digest, hash, mac],
      ),
    removeCheckpoints: (fromSeq) => run('DELETE FROM audit_checkpoints WHERE seq >= ?', fromSeq),
    changeCheckpoint: ({ seq, jws }) => run('UPDATE audit_checkpoints SET jws = ? WHERE seq = ?', jws, seq),
    unmark: () => run('UPDATE audit SET is_marked = NULL'),
    close: async () => database.close(),
  };
};

interface Stored {
  readonly _id: string;
}

const openDatabase = async (url: string): Promise<Tampering> => {
  const connection = await mongoose.createConnection(url).asPromise();
  const audit = connection.collection<Stored>('audit');
  const links = connection.collection<Stored & { seq: number; recordId: string }>('auditLinks');
  const checkpoints = connection.collection<Stored & { seq: number }>('auditCheckpoints');
  return {
    changeRecord: async (record) => {
      await audit.updateOne({ _id: `acme|${record.id}` }, { $set: record });
    },
    removeRecord: async (id) => {
      await audit.deleteOne({ _id: `acme|${id}` });
    },
    insertRecord: async (record) => {
      const document = { ...record, _id: `acme|${record.id}`, tenant: 'acme', isMarked: true };
      await audit.insertOne(document);
    },
    removeLinks: async (fromSeq, toSeq) => {
      await links.deleteMany({ seq: { $gte: fromSeq, $lte: toSeq } });
    },
    putLink: async (link) => {
      await links.deleteMany({ $or: [{ seq: link.seq }, { recordId: link.recordId }] });
      const record = `acme|${link.recordId}`;
      const document = { ...link, _id: `acme|forged-${link.seq}`, tenant: 'acme', record };
      await links.insertOne(document);
    },
    removeCheckpoints: async (fromSeq) => {
      await checkpoints.deleteMany({ seq: { $gte: fromSeq } });
    },
    changeCheckpoint: async ({ seq, jws }) => {
      await checkpoints.updateOne({ seq }, { $set: { jws } });
    },
    unmark: async () => {
      await audit.updateMany({}, { $unset: { isMarked: true } });
    },
    close: () => connection.close(),
  };
};
