import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adviceFor, findPart, isOptional, partNames } from '../../scripts/real-parts.mjs';
import { startMongod } from './mongod.mjs';
import { openRunFolder } from './run-folder.mjs';
import { makeSigningKeys } from './signing-keys.mjs';

/** One folder and one mongod for all test files; each uses databases of its own (see stores.ts). */
export default async () => {
  const missing = partNames.filter((name) => findPart(name) === undefined);
  const needed = missing.filter((name) => !isOptional(name));
  if (needed.length > 0 && process.env.CI === 'true') throw new Error(needed.map(adviceFor).join('\n'));
  for (const name of missing) console.error(`\nSkipping the tests that need ${adviceFor(name)}`);
  globalThis.drawbridgeRunFolder = await openRunFolder();
  process.env.DRAWBRIDGE_TEST_SIGNING_KEYS = join(tmpdir(), 'signing-keys.json');
  const keysMade = makeSigningKeys(process.env.DRAWBRIDGE_TEST_SIGNING_KEYS);
  if (!missing.includes('mongod')) {
    const mongod = await startMongod();
    globalThis.drawbridgeMongod = mongod;
    process.env.DRAWBRIDGE_TEST_MONGODB_URL = mongod.url;
  }
  await keysMade;
};
