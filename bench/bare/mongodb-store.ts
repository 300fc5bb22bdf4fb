import { mongo } from 'mongoose';
import type { AdapterPayload } from 'oidc-provider';
import { type BarePerson, type BareStore, grantable, models, snakeCase } from './bare-store.ts';

interface Row {
  readonly _id: string;
  readonly payload: AdapterPayload;
  readonly expiresAt?: Date;
}

/** One collection for each model, as the library's example adapter has it; majority writes. */
export const openMongodbStore = async (url: string): Promise<BareStore> => {
  const client = await mongo.MongoClient.connect(url, { writeConcern: { w: 'majority', j: true } });
  const db = client.db();
  const rows = (model: string) => db.collection<Row>(snakeCase(model));
  const persons = db.collection<BarePerson>('people');
  await persons.createIndexes([
    { key: { id: 1 }, unique: true },
    { key: { username: 1 }, unique: true },
  ]);
  for (const model of models) {
    await rows(model).createIndexes([
      { key: { expiresAt: 1 }, expireAfterSeconds: 0 },
      ...(grantable.has(model) ? [{ key: { 'payload.grantId': 1 } }] : []),
      ...(model === 'DeviceCode' ? [{ key: { 'payload.userCode': 1 }, unique: true }] : []),
      ...(model === 'Session' ? [{ key: { 'payload.uid': 1 }, unique: true }] : []),
    ]);
  }
  const findPerson = async (filter: mongo.Filter<BarePerson>): Promise<BarePerson | undefined> =>
    (await persons.findOne(filter)) ?? undefined;

  return {
    adapter: (model) => {
      const collection = rows(model);
      const find = async (filter: mongo.Filter<Row>): Promise<AdapterPayload | undefined> =>
        (await collection.findOne(filter, { projection: { payload: 1 } }))?.payload;
      return {
        upsert: async (id, payload, expiresIn) => {
          const expiresAt = expiresIn === undefined ? undefined : new Date(Date.now() + expiresIn * 1000);
          const $set = { payload, ...(expiresAt === undefined ? {} : { expiresAt }) };
          await collection.updateOne({ _id: id }, { $set }, { upsert: true });
        },
        find: (id) => find({ _id: id }),
        findByUserCode: (userCode) => find({ 'payload.userCode': userCode }),
        findByUid: (uid) => find({ 'payload.uid': uid }),
        consume: async (id) => {
          const consumed = Math.floor(Date.now() / 1000);
          await collection.findOneAndUpdate({ _id: id }, { $set: { 'payload.consumed': consumed } });
        },
        destroy: async (id) => {
          await collection.deleteOne({ _id: id });
        },
        revokeByGrantId: async (grantId) => {
          await collection.deleteMany({ 'payload.grantId': grantId });
        },
      };
    },
    people: {
      add: async (person) => {
        await persons.updateOne({ id: person.id }, { $set: person }, { upsert: true });
      },
      findById: (id) => findPerson({ id }),
      findByName: (username) => findPerson({ username }),
    },
    close: () => client.close(),
  };
};
