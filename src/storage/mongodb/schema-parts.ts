import { Schema, type SchemaDefinition } from 'mongoose';

export const text = { type: String, required: true } as const;
export const number = { type: Number, required: true } as const;

export const createSchema = (collection: string, fields: SchemaDefinition): Schema =>
  new Schema({ _id: text, ...fields }, { collection, versionKey: false, strict: 'throw', _id: false });

export const createQueueSchema = (collection: string, fields: SchemaDefinition): Schema => {
  const schema = createSchema(collection, {
    tenant: text,
    id: text,
    ...fields,
    createdAt: number,
    state: text,
    attempts: number,
    nextAttemptAt: number,
    lastAttemptAt: Number,
    lastOutcome: String,
    expiresAt: { type: Date, required: true },
  });
  schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
  // one for a tenant's next, one for which tenants have any: without the second that would read all that wait
  schema.index({ tenant: 1, nextAttemptAt: 1 }, { partialFilterExpression: { state: 'pending' } });
  schema.index({ nextAttemptAt: 1, tenant: 1 }, { partialFilterExpression: { state: 'pending' } });
  return schema;
};
