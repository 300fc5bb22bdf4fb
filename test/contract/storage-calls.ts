import type { Storage } from '../../src/storage/storage.ts';
import {
  account,
  apiKey,
  apiKeySecret,
  artifact,
  auditLink,
  auditRecord,
  delivery,
  device,
  deviceCode,
  event,
  key,
  mail,
  picture,
  session,
  startMs,
  startSeconds,
} from './storage-samples.ts';

/** Every call of the port that a request may make, on a tenant that `fill` has filled. */
export const requestCalls = (
  storage: Storage,
  tenant: string,
): Readonly<Record<string, () => Promise<unknown>>> => {
  const {
    artifacts,
    accounts,
    keys,
    counters,
    usage,
    audit,
    auditChain,
    auditStreams,
    events,
    deliveries,
    mails,
    pictures,
    devices,
    apiKeys,
  } = storage.forTenant(tenant);
  const after = { signedInAt: startSeconds, id: 'm' };
  const settled = {
    state: 'delivered',
    nextAttemptAt: 0,
    lastAttemptAt: startMs,
    lastOutcome: '200',
  } as const;
  return {
    load: () => artifacts.load([{ kind: 'AccessToken', id: 'token-1' }]),
    'load a session': () => artifacts.load([{ kind: 'Session', id: 'session-1' }]),
    'load by user code': () => artifacts.load([{ kind: 'DeviceCode', userCode: 'ABCD' }]),
    'load many': () =>
      artifacts.load([
        { kind: 'Grant', id: 'g' },
        { kind: 'AccessToken', id: 'token-1' },
        { kind: 'Session', id: 'session-1' },
        { kind: 'DeviceCode', userCode: 'ABCD' },
      ]),
    write: () =>
      artifacts.write([
        { op: 'put', artifact: artifact() },
        { op: 'insert', artifact: artifact({ id: 'new' }) },
        { op: 'mergeSession', artifact: session(), removed: ['a'] },
        { op: 'remove', kind: 'SessionCookie', id: 'cookie-1' },
        { op: 'remove', kind: 'Session', id: 'never' },
        { op: 'remove', kind: 'Grant', id: 'g' },
      ]),
    'remove by grant': () => artifacts.write([{ op: 'removeByGrant', grantId: 'other' }]),
    'try to insert': () => artifacts.tryInsert(artifact({ id: 'tried' })),
    'try to insert again': () => artifacts.tryInsert(artifact({ id: 'tried' })),
    consume: () => artifacts.consume('AccessToken', 'token-1', startMs),
    'consume again': () => artifacts.consume('AccessToken', 'token-1', startMs),
    'replace in phase': () => artifacts.replaceInPhase(deviceCode(), ['pending']),
    poll: () => artifacts.poll('device-1', startMs, 5),
    'sessions of an account': () => artifacts.sessionsOf('alice'),
    'gateway sessions of an account': () => artifacts.gatewaySessionsOf('alice'),
    'gateway sessions of sessions': () => artifacts.gatewaySessionsWith(['session-1', 'never'], 3),
    'sign-ins by session': () => artifacts.signInsOf('alice', { kind: 'Session', limit: 3 }),
    'sign-ins by session, further': () => artifacts.signInsOf('alice', { kind: 'Session', after, limit: 3 }),
    'sign-ins by gateway session': () => artifacts.signInsOf('alice', { kind: 'GatewaySession', limit: 3 }),
    'sign-ins by gateway session, further': () =>
      artifacts.signInsOf('alice', { kind: 'GatewaySession', after, limit: 3 }),
    'sign-ins by refresh token': () => artifacts.signInsOf('alice', { kind: 'RefreshToken', limit: 3 }),
    'sign-ins by refresh token, further': () =>
      artifacts.signInsOf('alice', { kind: 'RefreshToken', after, limit: 3 }),
    'grants of an account': () => artifacts.grantsOf('alice', { limit: 3 }),
    'grants of an account, further': () => artifacts.grantsOf('alice', { afterId: 'a', limit: 3 }),
    'tokens of a grant': () => artifacts.tokensOfGrant('other'),
    'find by sub': () => accounts.findBySub('alice'),
    'find by login': () => accounts.findByLogin('alice'),
    'find by identity': () => accounts.findByIdentity('identity-1'),
    'insert an account': () =>
      accounts.insert(account({ sub: 'bob', logins: ['bob'], identityKeys: ['identity-2'] })),
    'update an account': () => accounts.update('alice', { username: 'x' }),
    'list accounts': () => accounts.list({ afterSub: 'a', limit: 5 }),
    'list system users': () => accounts.list({ afterSub: 'a', origin: 'system', limit: 5 }),
    'count accounts': () => accounts.count(),
    'accounts due for deletion': () => accounts.dueForDeletion({ nowMs: startMs, limit: 5 }),
    'tenants with accounts due for deletion': () => storage.tenantsWithDueDeletions(startMs),
    'accounts with ended addresses': () => accounts.withEndedEmails({ nowMs: startMs, limit: 5 }),
    'tenants with ended addresses': () => storage.tenantsWithEndedEmails(startMs),
    'list keys': () => keys.list(),
    'put a key': () => keys.putIfAbsent(key()),
    'add to a counter': () => counters.add('k', { points: 1, windowMs: 1, nowMs: startMs }),
    'find a counter': () => counters.find('k', startMs),
    'reset a counter': () => counters.reset('k'),
    'record a use': () => usage.record({ clientId: 'c', sub: 'alice', nowMs: startMs }),
    'report uses': () => usage.report(),
    'append to the audit': () => audit.append(auditRecord({ id: 'x' })),
    'list the audit': () => audit.list({ limit: 3 }),
    'list the audit further': () => audit.list({ beforeId: 'a-1', limit: 3 }),
    'list the audit of a person': () => audit.list({ sub: 'alice', limit: 3 }),
    'list the audit of a person further': () => audit.list({ sub: 'alice', beforeId: 'a-1', limit: 3 }),
    'tenants with unmarked audit records': () => storage.tenantsWithUnmarkedAudit(startMs),
    'unmarked audit records': () => auditChain.unmarked({ untilMs: startMs, limit: 3 }),
    'append to the audit chain': () => auditChain.append([auditLink({ seq: 2, recordId: 'x' })]),
    'mark an audit record': () => auditChain.mark(['a-1']),
    'the last link': () => auditChain.last(),
    'list links': () => auditChain.links({ afterSeq: 0, limit: 3 }),
    'list audit records with their links': () => auditChain.records({ limit: 3 }),
    'list audit records with their links, further': () =>
      auditChain.records({ after: { at: startMs, id: 'a' }, limit: 3 }),
    'insert a checkpoint': () => auditChain.insertCheckpoint({ seq: 2, at: startMs, jws: 'x' }),
    'the last checkpoint': () => auditChain.lastCheckpoint(),
    'the last checkpoint up to a number': () => auditChain.checkpointUpTo({ seq: 9, untilMs: startMs }),
    'replace a checkpoint': () => auditChain.replaceCheckpoint({ seq: 1, at: startMs, jws: 'y' }, 'x'),
    'remove checkpoints': () => auditChain.removeCheckpoints({ fromSeq: 7, toSeq: 9 }),
    'remove links': () => auditChain.removeLinks({ fromSeq: 7, toSeq: 9 }),
    'remove audit records': () => auditChain.removeRecords(['gone']),
    'claim a stream': () =>
      auditStreams.claim('webhook', { holder: 'a', nowMs: startMs, leaseUntilMs: startMs }),
    'settle a stream': () =>
      auditStreams.settle(
        'webhook',
        { seq: 1, failures: 0, nextAttemptAt: 0 },
        { holder: 'a', leaseUntilMs: startMs },
      ),
    'list streams': () => auditStreams.list(),
    'list checkpoints': () => auditChain.checkpoints({ afterSeq: 0, limit: 3 }),
    'publish an event': () => events.publish(event({ sub: 'alice' })),
    'add deliveries': () => deliveries.add([delivery({ id: 'd-1' }), delivery({ id: 'd-2' })]),
    'tenants with due deliveries': () => storage.tenantsWithDueDeliveries(startMs),
    'claim a delivery': () => deliveries.claim(startMs, startMs + 1000),
    'settle a delivery': () => deliveries.settle('d-1', settled),
    'list deliveries': () => deliveries.list({ limit: 3 }),
    'list deliveries further': () => deliveries.list({ beforeId: 'd-2', limit: 3 }),
    'add mails': () => mails.add([mail({ id: 'm-1' }), mail({ id: 'm-2' }), mail({ id: 'm-3' })]),
    'tenants with due mails': () => storage.tenantsWithDueMails(startMs),
    'claim a mail': () => mails.claim(startMs, startMs + 1000),
    'settle a mail': () => mails.settle('m-1', settled),
    'list mails': () => mails.list({ limit: 3 }),
    'list mails further': () => mails.list({ beforeId: 'm-2', limit: 3 }),
    'mails of an account': () => mails.ofAccount('alice', 3),
    'release a mail': () => mails.release('m-2', startMs),
    'remove a mail': () => mails.remove('m-2'),
    'put a picture': () => pictures.put(picture()),
    'find a picture': () => pictures.find('alice'),
    'remove a picture': () => pictures.remove('alice'),
    'sign in a device': () => devices.signIn(device()),
    'find a device': () => devices.find('device-1'),
    'list devices': () => devices.list({ limit: 3 }),
    'list devices of a person': () => devices.list({ sub: 'alice', afterId: 'a', limit: 3 }),
    'rename a device': () => devices.rename('device-1', 'x'),
    'see a device': () => devices.seen('device-1', { nowMs: startMs, minimumGapMs: 0 }),
    'remove a device': () => devices.remove('device-1'),
    'insert an API key': () => apiKeys.insert(apiKey({ id: 'new', secrets: [apiKeySecret('new')] })),
    'find an API key': () => apiKeys.find('key-1'),
    'find an API key by its public id': () => apiKeys.findByPublicId('public-1'),
    'list API keys': () => apiKeys.list({ afterId: 'a', limit: 3 }),
    'list API keys of an owner': () => apiKeys.list({ sub: 'alice', afterId: 'a', limit: 3 }),
    'list API keys that expire': () => apiKeys.expiring({ beforeMs: startMs + 1, limit: 3 }),
    'list API keys that expire, further': () =>
      apiKeys.expiring({ beforeMs: startMs + 1, after: { expiresAt: 1, id: 'a' }, limit: 3 }),
    'API keys due for a notice': () => apiKeys.dueForNotice({ nowMs: startMs, limit: 3 }),
    'tenants with API keys due for a notice': () => storage.tenantsWithDueKeyNotices(startMs),
    'mark the notice of an API key': () => apiKeys.noticed('key-1', startMs),
    'replace an API key': () => apiKeys.replace(apiKey({ version: 2 })),
    'use an API key': () => apiKeys.used('key-1', { nowMs: startMs, address: '::1', minimumGapMs: 0 }),
    'remove an API key': () => apiKeys.remove('key-1'),
    'put a fact': () => storage.installation.putIfAbsent('a', 'b'),
    ping: () => storage.ping(),
  };
};

/** One of everything, with the payloads and names telling the tenant. */
export const fill = async (storage: Storage, tenant: string): Promise<void> => {
  const {
    artifacts,
    accounts,
    keys,
    counters,
    usage,
    audit,
    auditChain,
    auditStreams,
    deliveries,
    mails,
    pictures,
    devices,
    apiKeys,
  } = storage.forTenant(tenant);
  const links = { grantId: 'g', sessionUid: 'session-1', accountId: 'alice' };
  await artifacts.write([
    { op: 'put', artifact: artifact({ payload: tenant, ...links }) },
    { op: 'put', artifact: artifact({ kind: 'Grant', id: 'g', payload: tenant }) },
    {
      op: 'mergeSession',
      artifact: session({ payload: tenant, authorizations: { [tenant]: '1' } }),
      removed: [],
    },
    { op: 'put', artifact: deviceCode({ payload: tenant }) },
  ]);
  await accounts.insert(account({ username: tenant, identityKeys: ['identity-1'] }));
  await keys.putIfAbsent(key({ sealed: tenant }));
  await counters.add('k', { points: 1, windowMs: 1000, nowMs: startMs });
  await usage.record({ clientId: 'c', sub: 'alice', nowMs: startMs });
  await audit.append(auditRecord({ actor: tenant }));
  await auditChain.append([auditLink({ hash: tenant })]);
  await auditChain.insertCheckpoint({ seq: 1, at: startMs, jws: tenant });
  await auditStreams.claim('webhook', { holder: tenant, nowMs: startMs, leaseUntilMs: startMs });
  const state = { seq: 1, failures: 0, nextAttemptAt: 0, lastOutcome: tenant };
  await auditStreams.settle('webhook', state, { holder: tenant, leaseUntilMs: 0 });
  await deliveries.add([delivery({ reason: tenant })]);
  await mails.add([mail({ purpose: tenant })]);
  await pictures.put(picture({ id: tenant }));
  await devices.signIn(device({ name: tenant }));
  await apiKeys.insert(apiKey({ note: tenant, expiresAt: startMs, noticeAt: startMs }));
};
