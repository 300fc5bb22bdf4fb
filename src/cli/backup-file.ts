// The form of a backup: gzipped lines of JSON. The first describes the backup, the last has the number of records.
import { createReadStream } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { StoredRecord } from '../storage/storage-records.ts';
import { CommandFailure } from './exit.ts';

export interface BackupHeader {
  readonly drawbridgeBackup: 1;
  readonly engine: string;
  readonly createdAt: string;
  /** Check value of the key that seals the signing keys in the backup. */
  readonly masterKeyCheck: string;
  /** Present only when it was requested. */
  readonly masterKey?: string;
}

type Counts = Readonly<Record<string, number>>;

/**
 * Writes a file that only its owner may read. Resolves to the number of records of each kind.
 * @throws CommandFailure when there is such a file already
 */
export const writeBackup = async (
  file: string,
  { header, records }: { readonly header: BackupHeader; readonly records: AsyncIterable<StoredRecord> },
): Promise<Counts> => {
  const counts: Record<string, number> = {};
  async function* lines(): AsyncIterable<string> {
    yield `${JSON.stringify(header)}\n`;
    let total = 0;
    for await (const record of records) {
      counts[record.collection] = (counts[record.collection] ?? 0) + 1;
      total += 1;
      yield `${JSON.stringify(record)}\n`;
    }
    yield `${JSON.stringify({ end: total })}\n`;
  }
  const handle = await open(file, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST') {
      throw new CommandFailure(`${file} is there already and is not overwritten. Choose another name.`);
    }
    throw new CommandFailure(`${file} cannot be written (${cause.code}). Choose a folder that can be.`);
  });
  try {
    await pipeline(Readable.from(lines()), createGzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await handle.appendFile(chunk);
    });
    await handle.sync();
    await handle.close();
  } catch (error) {
    await handle.close();
    await unlink(file);
    throw error;
  }
  return counts;
};

/** The lines of the file, from the first to the last. @throws CommandFailure when it is no complete backup */
async function* readLines(file: string): AsyncIterable<unknown> {
  const source = createReadStream(file);
  const text = createGunzip();
  // An error of the source must reach the reader of the text.
  source.on('error', (error) => text.destroy(error));
  source.pipe(text);
  try {
    for await (const line of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })) {
      yield JSON.parse(line);
    }
  } catch (cause) {
    throw notWhole(file, cause);
  } finally {
    source.destroy();
  }
}

const notWhole = (file: string, cause?: unknown): CommandFailure =>
  new CommandFailure(
    `${file} is not a whole backup of Drawbridge${cause instanceof Error ? ` (${cause.message})` : ''}. Nothing was restored; use another one.`,
  );

export interface CheckedBackup {
  readonly header: BackupHeader;
  readonly counts: Counts;
}

/** Reads the whole file first, so that a restore never begins with an incomplete backup. @throws CommandFailure */
export const checkBackup = async (file: string): Promise<CheckedBackup> => {
  let header: BackupHeader | undefined;
  let end: number | undefined;
  let total = 0;
  const counts: Record<string, number> = {};
  for await (const line of readLines(file)) {
    if (header === undefined) {
      if (!isHeader(line)) throw notWhole(file);
      header = line;
    } else if (isEnd(line)) {
      end = line.end;
    } else {
      const { collection } = line as StoredRecord; // the header says who wrote it
      counts[collection] = (counts[collection] ?? 0) + 1;
      total += 1;
    }
  }
  if (header === undefined || end !== total) throw notWhole(file);
  return { header, counts };
};

/** The records of a backup that was checked. */
export async function* readRecords(file: string): AsyncIterable<StoredRecord> {
  for await (const line of readLines(file)) {
    if (!isHeader(line) && !isEnd(line)) yield line as StoredRecord; // the header says who wrote it
  }
}

const isHeader = (line: unknown): line is BackupHeader =>
  typeof line === 'object' && line !== null && 'drawbridgeBackup' in line && line.drawbridgeBackup === 1;

const isEnd = (line: unknown): line is { readonly end: number } =>
  typeof line === 'object' && line !== null && 'end' in line;
