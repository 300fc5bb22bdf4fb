import type { Connection, mongo, Schema } from 'mongoose';
import { eventRetentionMs } from '../storage-endings.ts';
import { createAuditSchemas } from './audit-schemas.ts';
import type {
  AccountDocument,
  ApiKeyDocument,
  ArtifactDocument,
  AuditCheckpointDocument,
  AuditDocument,
  AuditLinkDocument,
  AuditStreamDocument,
  CounterDocument,
  DeliveryDocument,
  DeviceDocument,
  EventDocument,
  FactDocument,
  KeyDocument,
  LeaseDocument,
  MailDocument,
  PictureDocument,
  UsageDocument,
} from './documents.ts';
import { createQueueSchema, createSchema, number, text } from './schema-parts.ts';

export interface Collections {
  readonly artifacts: mongo.Collection<ArtifactDocument>;
  readonly accounts: mongo.Collection<AccountDocument>;
  readonly keys: mongo.Collection<KeyDocument>;
  readonly counters: mongo.Collection<CounterDocument>;
  readonly usage: mongo.Collection<UsageDocument>;
  readonly audit: mongo.Collection<AuditDocument>;
  readonly auditLinks: mongo.Collection<AuditLinkDocument>;
  readonly auditCheckpoints: mongo.Collection<AuditCheckpointDocument>;
  readonly auditStreams: mongo.Collection<AuditStreamDocument>;
  readonly events: mongo.Collection<EventDocument>;
  readonly deliveries: mongo.Collection<DeliveryDocument>;
  readonly mails: mongo.Collection<MailDocument>;
  readonly pictures: mongo.Collection<PictureDocument>;
  readonly devices: mongo.Collection<DeviceDocument>;
  readonly apiKeys: mongo.Collection<ApiKeyDocument>;
  readonly installation: mongo.Collection<FactDocument>;
  readonly leases: mongo.Collection<LeaseDocument>;
}

export type CollectionName = keyof Collections;

/** Indexes begin with the tenant, so that a cluster can be sharded by it; time-to-live indexes cannot. */
const createSchemas = (): Readonly<Record<CollectionName, Schema>> => {
  const artifacts = createSchema('artifacts', {
    tenant: text,
    kind: text,
    payload: text,
    expiresAt: { type: Date, required: true },
    links: { type: [String], default: undefined },
    account: String,
    grantId: String,
    userCode: String,
    phase: String,
    signedInAt: Number,
    authorizations: { type: Map, of: String },
    consumedAt: Number,
    polledAt: Number,
    pollInterval: Number,
  });
  artifacts.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
  artifacts.index({ tenant: 1, grantId: 1 }, { partialFilterExpression: { grantId: { $exists: true } } });
  artifacts.index(
    { tenant: 1, userCode: 1 },
    { unique: true, partialFilterExpression: { userCode: { $exists: true } } },
  );
  artifacts.index(
    { tenant: 1, account: 1, signedInAt: -1, _id: -1 },
    { partialFilterExpression: { kind: 'Session', account: { $exists: true } } },
  );
  artifacts.index(
    { tenant: 1, account: 1, kind: 1, signedInAt: -1, _id: -1 },
    { partialFilterExpression: { kind: 'GatewaySession', account: { $exists: true }, links: null } },
  );
  artifacts.index(
    { tenant: 1, links: 1 },
    { partialFilterExpression: { kind: 'GatewaySession', links: { $exists: true } } },
  );
  artifacts.index(
    { tenant: 1, account: 1, signedInAt: -1, grantId: -1 },
    { partialFilterExpression: { kind: 'RefreshToken', signedInAt: { $exists: true }, consumedAt: null } },
  );
  artifacts.index(
    { tenant: 1, account: 1, _id: 1 },
    { partialFilterExpression: { kind: 'Grant', account: { $exists: true } } },
  );
  const accounts = createSchema('accounts', {
    tenant: text,
    sub: text,
    logins: { type: [String], default: undefined },
    claims: text,
    username: text,
    passwordHash: String,
    email: String,
    emailVerified: Boolean,
    groups: [String],
    roles: [String],
    disabledAt: Number,
    lockedAt: Number,
    deleteAt: Number,
    notBefore: Number,
    origin: text,
    identities: { type: [Object], default: undefined },
    identityKeys: { type: [String], default: undefined },
    lockedBy: String,
    adoptedFrom: String,
    adoptedAt: Number,
    seed: String,
    formerEmails: { type: [Object], default: undefined },
    pictureId: String,
    chosenLocale: String,
    factors: { type: [Object], default: undefined },
    factorGuesses: Object,
    createdAt: number,
    updatedAt: number,
    version: number,
  });
  accounts.index(
    { tenant: 1, logins: 1 },
    { unique: true, partialFilterExpression: { logins: { $exists: true } } },
  );
  accounts.index(
    { tenant: 1, identityKeys: 1 },
    { unique: true, partialFilterExpression: { identityKeys: { $exists: true } } },
  );
  accounts.index({ tenant: 1, deleteAt: 1 }, { partialFilterExpression: { deleteAt: { $exists: true } } });
  accounts.index(
    { tenant: 1, 'formerEmails.0.until': 1 },
    { partialFilterExpression: { 'formerEmails.0.until': { $exists: true } } },
  );
  accounts.index({ tenant: 1, _id: 1 }, { partialFilterExpression: { origin: 'system' } });
  const keys = createSchema('keys', {
    tenant: text,
    slot: text,
    kid: text,
    alg: text,
    sealed: text,
    createdAt: number,
  });
  const counters = createSchema('counters', {
    tenant: text,
    count: number,
    endsAt: number,
    expiresAt: { type: Date, required: true },
  });
  counters.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
  const usage = createSchema('usage', {
    tenant: text,
    clientId: text,
    sub: text,
    count: number,
    lastUsedAt: number,
  });
  const events = createSchema('events', {
    tenant: text,
    publishedAt: { type: Date, required: true },
    what: text,
    id: text,
    sub: String,
    reason: text,
    at: number,
  });
  events.index({ publishedAt: 1 }, { expireAfterSeconds: eventRetentionMs / 1000 });
  const deliveries = createQueueSchema('deliveries', {
    clientId: text,
    sub: text,
    sid: text,
    reason: text,
  });
  const mails = createQueueSchema('mails', { purpose: text, sub: String, address: text, content: String });
  mails.index({ tenant: 1, sub: 1, _id: -1 }, { partialFilterExpression: { sub: { $exists: true } } });
  const devices = createSchema('devices', {
    tenant: text,
    id: text,
    sub: text,
    clientId: text,
    name: String,
    model: String,
    serial: String,
    createdAt: number,
    lastSeenAt: number,
    grantId: text,
    sessionId: String,
    expiresAt: { type: Date, required: true },
  });
  devices.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
  devices.index({ tenant: 1, sub: 1, id: 1 });
  const apiKeys = createSchema('apiKeys', {
    tenant: text,
    id: text,
    sub: text,
    owner: text,
    secrets: [Object],
    publicIds: [String],
    onlyOf: String,
    isOwn: Boolean,
    note: String,
    roles: { type: [String], default: undefined },
    scopes: { type: [String], default: undefined },
    services: { type: [String], default: undefined },
    resources: { type: [String], default: undefined },
    networks: { type: [String], default: undefined },
    createdAt: number,
    expiresAt: Number,
    noticeAt: Number,
    lastUsedAt: Number,
    lastUsedFrom: String,
    version: number,
  });
  apiKeys.index({ tenant: 1, publicIds: 1 }, { unique: true });
  apiKeys.index(
    { tenant: 1, onlyOf: 1 },
    { unique: true, partialFilterExpression: { onlyOf: { $exists: true } } },
  );
  apiKeys.index({ tenant: 1, sub: 1, id: 1 });
  apiKeys.index(
    { tenant: 1, expiresAt: 1, id: 1 },
    { partialFilterExpression: { expiresAt: { $exists: true } } },
  );
  apiKeys.index({ tenant: 1, noticeAt: 1 }, { partialFilterExpression: { noticeAt: { $exists: true } } });
  const leases = createSchema('leases', { holder: text, expiresAt: { type: Date, required: true } });
  leases.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
  return {
    artifacts,
    accounts,
    keys,
    counters,
    usage,
    ...createAuditSchemas(),
    events,
    deliveries,
    mails,
    pictures: createSchema('pictures', { tenant: text, sub: text, id: text, data: text }),
    devices,
    apiKeys,
    installation: createSchema('installation', { value: text }),
    leases,
  };
};

export const collectionNames = Object.keys(createSchemas()) as readonly CollectionName[]; // the keys of the record

/**
 * The models own collections and indexes. Requests use the native collections beneath: no document is hydrated
 * to answer a request for a token.
 */
export const defineModels = async (connection: Connection): Promise<Collections> => {
  const models = Object.entries(createSchemas()).map(([name, schema]) =>
    connection.model(name, schema, name),
  );
  // one after the other: together they would wait for connections, which a busy server opens slowly
  for (const model of models) await model.createIndexes();
  const natives = Object.fromEntries(models.map((model) => [model.modelName, model.collection]));
  return natives as unknown as Collections; // the types of documents.ts say what the schemas hold
};
