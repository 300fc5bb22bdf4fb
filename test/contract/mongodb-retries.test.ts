import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import { pino } from 'pino';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Artifacts, Storage } from '../../src/storage/storage.ts';
import { eventually } from '../support/eventually.ts';
import { type Mongod, startMongod } from '../support/mongod.mjs';
import { mongoUrl } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import { artifact, event, session, startMs } from './storage-samples.ts';

/** What the store sends as it is, so that the driver does not send it again. */
const commands: Readonly<Record<string, (artifacts: Artifacts) => Promise<unknown>>> = {
  aggregate: (artifacts) => artifacts.load([{ kind: 'AccessToken', id: 'token-1' }]),
  insert: (artifacts) => artifacts.write([{ op: 'insert', artifact: artifact() }]),
  update: (artifacts) =>
    artifacts.write([
      { op: 'put', artifact: artifact({ id: 'token-2' }) },
      { op: 'mergeSession', artifact: session({ authorizations: { app: '1' } }), removed: [] },
    ]),
  delete: (artifacts) => artifacts.write([{ op: 'removeByGrant', grantId: 'g' }]),
};

const writes = Object.entries(commands).filter(([name]) => name !== 'aggregate');

/**
 * After an error of a primary that goes, the driver waits until the server says again what it is. A server that really goes
 * says so at once; this one only pretends, and is asked.
 */
const askingOften = 'serverMonitoringMode=poll&heartbeatFrequencyMS=500';

const shuttingDown = 91;
const steppedDown = 10107;
const tooLate = 64;
const unauthorized = 13;

const define = (): void => {
  let mongod: Mongod;
  let storage: Storage;
  let connection: mongoose.Connection;
  let tenants = 0;

  beforeAll(async () => {
    mongod = await startMongod({ replicaSet: true, failPoints: true });
    storage = await openStorage({
      url: `${mongod.url}&${askingOften}`,
      clock: createTestClock(startMs),
      log: pino({ enabled: false }),
    });
    connection = await mongoose.createConnection(mongod.url).asPromise();
  });

  afterAll(async () => {
    await storage.close();
    await connection.close();
    await mongod.stop();
  });

  afterEach(() => fail('off', {}));

  const fail = async (mode: 'off' | { readonly times: number }, data: object): Promise<void> => {
    await connection.getClient().db('admin').command({ configureFailPoint: 'failCommand', mode, data });
  };

  const open = (): Artifacts => {
    tenants += 1;
    return storage.forTenant(`tenant-${tenants}`).artifacts;
  };

  describe.each(Object.entries(commands))('MongoDB that fails once: %s', (name, send) => {
    it.each([{ closeConnection: true }, { errorCode: steppedDown }])(
      'is asked again after %j',
      async (fault) => {
        const artifacts = open();
        await fail({ times: 1 }, { failCommands: [name], appName: 'drawbridge', ...fault });
        await send(artifacts);
      },
    );

    it('is not asked a third time', async () => {
      const artifacts = open();
      await fail({ times: 2 }, { failCommands: [name], appName: 'drawbridge', errorCode: steppedDown });
      await expect(send(artifacts)).rejects.toMatchObject({ code: 'unavailable' });
      await send(artifacts);
    });
  });

  it('MongoDB that does not let us watch is asked for events again and again', async () => {
    const heard: string[] = [];
    await fail({ times: 1 }, { failCommands: ['aggregate'], appName: 'drawbridge', errorCode: unauthorized });
    const watch = await storage.watchEvents({ event: ({ id }) => heard.push(id), lost: () => {} });
    await storage.forTenant('acme').events.publish(event());
    await eventually('it is heard', () => heard.length === 1, 1000);
    await watch.close();
  });

  describe.each(writes)('MongoDB that writes and cannot confirm: %s', (name, send) => {
    const unconfirmed = (code: number) => ({
      failCommands: [name],
      appName: 'drawbridge',
      writeConcernError: { code, errmsg: 'not confirmed' },
    });

    it('is written once when it was done twice', async () => {
      const artifacts = open();
      await artifacts.write([{ op: 'put', artifact: artifact({ id: 'of-the-grant', grantId: 'g' }) }]);
      await fail({ times: 1 }, unconfirmed(shuttingDown));
      await send(artifacts);
      await artifacts.consume('AccessToken', 'token-1', startMs);
      const { artifacts: found } = await artifacts.load([
        { kind: 'AccessToken', id: 'token-1' },
        { kind: 'AccessToken', id: 'token-2' },
        { kind: 'AccessToken', id: 'of-the-grant' },
        { kind: 'Session', id: 'session-1' },
      ]);
      const stays = artifact({ id: 'of-the-grant', grantId: 'g' });
      const expected: Readonly<Record<string, readonly unknown[]>> = {
        insert: [stays, artifact({ consumedAt: startMs })],
        update: [stays, session({ authorizations: { app: '1' } }), artifact({ id: 'token-2' })],
        delete: [],
      };
      const all = expected[name] ?? [];
      expect(found).toHaveLength(all.length);
      expect(found).toEqual(expect.arrayContaining([...all]));
    });

    it('is not acknowledged without the majority', async () => {
      const artifacts = open();
      await fail({ times: 1 }, unconfirmed(tooLate));
      await expect(send(artifacts)).rejects.toMatchObject({
        code: 'unavailable',
        cause: { name: 'MongoWriteConcernError' },
      });
    });
  });
};

if (mongoUrl() === undefined) describe.skip('on mongodb (mongod is missing)', define);
else define();
