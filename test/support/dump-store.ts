import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mongoose from 'mongoose';

/** Everything that a thief of the store would hold, as one text: to search it for what must not be there. */
export const dumpStore = (url: string): Promise<string> =>
  url.startsWith('file:') ? dumpFiles(url.slice('file:'.length)) : dumpDatabase(url);

const dumpFiles = async (folder: string): Promise<string> => {
  const names = await readdir(folder);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')));
  return texts.join('\n');
};

const dumpDatabase = async (url: string): Promise<string> => {
  const connection = await mongoose.createConnection(url).asPromise();
  try {
    const texts = [];
    for (const collection of (await connection.db?.collections()) ?? []) {
      texts.push(JSON.stringify(await collection.find().toArray()));
    }
    return texts.join('\n');
  } finally {
    await connection.close();
  }
};
