import { describe, expect, it } from '@jest/globals';
import type { ArtifactKind } from '../../src/storage/artifact-kind.ts';
import type { Artifact, ArtifactRef, Artifacts } from '../../src/storage/storage.ts';
import type { GetBench } from './storage.contract.ts';
import { account, artifact, session, startMs, startSeconds, times } from './storage-samples.ts';

const put = (artifacts: Artifacts, ...all: Artifact[]) =>
  artifacts.write(all.map((one) => ({ op: 'put', artifact: one })));

const find = async (artifacts: Artifacts, ref: ArtifactRef) => (await artifacts.load([ref])).artifacts[0];

const token: ArtifactRef = { kind: 'AccessToken', id: 'token-1' };

/** The compiler finds a kind that is missing. */
const allKinds: Readonly<Record<ArtifactKind, true>> = {
  Session: true,
  SessionCookie: true,
  Interaction: true,
  Grant: true,
  AuthorizationCode: true,
  AccessToken: true,
  ClientCredentials: true,
  RefreshToken: true,
  DeviceCode: true,
  PushedAuthorizationRequest: true,
  ReplayDetection: true,
  RevokedToken: true,
  UpstreamLogin: true,
  UpstreamTicket: true,
  UpstreamSession: true,
  UpstreamEnding: true,
  UpstreamSid: true,
  UpstreamTokens: true,
  UpstreamLease: true,
  LogoutReturn: true,
  GatewaySession: true,
  GatewayTicket: true,
  RefusedRequest: true,
  Verification: true,
  FormerEmail: true,
  FormerUsername: true,
  RemovalLease: true,
  MfaToken: true,
  EmailCode: true,
  AuthSession: true,
  PendingApiKey: true,
  EmailSession: true,
};
const kinds = Object.keys(allKinds) as ArtifactKind[]; // its keys are no others

export const artifactClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').artifacts;
  const elsewhere = () => bench().second.forTenant('acme').artifacts;

  describe('artifacts', () => {
    it('gives back every field as it was put, through another connection', async () => {
      const full = artifact({
        grantId: 'g',
        sessionUid: 's',
        accountId: 'a',
        payload: '{"$where":"1","__proto__":{"a.b":1},"ü":"\\u0000"}',
      });
      await put(open(), full);
      expect(await find(elsewhere(), token)).toEqual(full);
    });

    it('keeps kinds apart that share an id', async () => {
      await put(open(), ...kinds.map((kind) => artifact({ kind, id: 'same', payload: kind })));
      for (const kind of kinds) {
        expect(await find(open(), { kind, id: 'same' })).toMatchObject({ kind, payload: kind });
      }
    });

    it('does not take an id for the part of it before a NUL', async () => {
      await put(open(), artifact());
      expect(await find(open(), { kind: 'AccessToken', id: 'token-1\0' })).toBeUndefined();
      expect(await open().consume('AccessToken', 'token-1\0x', startMs)).toBeUndefined();
    });

    it('replaces by put, with nothing left of the former one', async () => {
      await put(open(), artifact({ grantId: 'g', accountId: 'a' }));
      await open().consume('AccessToken', 'token-1', startMs);
      await put(open(), artifact({ payload: 'new' }));
      expect(await find(open(), token)).toEqual(artifact({ payload: 'new' }));
    });

    it('has what expires absent from that very second on, for every method', async () => {
      const { clock } = bench();
      const device = artifact({ kind: 'DeviceCode', id: 'd', userCode: 'U', phase: 'pending' });
      await put(open(), artifact(), device, session(), artifact({ kind: 'Grant', id: 'g' }));
      await put(
        open(),
        artifact({ id: 'later', expiresAt: startSeconds + 99, grantId: 'g', sessionUid: 'session-1' }),
      );
      clock.advance(59_999);
      expect((await open().load([token, { kind: 'DeviceCode', userCode: 'U' }])).artifacts).toHaveLength(2);
      clock.advance(1);
      const refs: ArtifactRef[] = [
        token,
        { kind: 'DeviceCode', userCode: 'U' },
        { kind: 'Session', id: 'session-1' },
      ];
      expect(await open().load(refs)).toEqual({ artifacts: [], linkedArtifacts: [], linkedAccounts: [] });
      expect((await open().load([{ kind: 'AccessToken', id: 'later' }])).linkedArtifacts).toEqual([]);
      expect(await open().consume('AccessToken', 'token-1', clock.now())).toBeUndefined();
      expect(await open().poll('d', clock.now(), 5)).toBeUndefined();
      expect(await open().replaceInPhase({ ...device, expiresAt: startSeconds + 999 }, ['pending'])).toBe(
        false,
      );
    });

    it('gives copies: changing a result changes nothing', async () => {
      await put(open(), session({ authorizations: { app: 'x' } }));
      const found = await find(open(), { kind: 'Session', id: 'session-1' });
      Object.assign(found?.authorizations ?? {}, { app: 'changed' });
      Object.assign(found ?? {}, { payload: 'changed' });
      expect(await find(open(), { kind: 'Session', id: 'session-1' })).toEqual(
        session({ authorizations: { app: 'x' } }),
      );
    });

    it('loads many refs and what they are linked to', async () => {
      const tenant = bench().first.forTenant('acme');
      await tenant.accounts.insert(account());
      const grant = artifact({ kind: 'Grant', id: 'g1' });
      const one = artifact({ id: 't1', grantId: 'g1', sessionUid: 'session-1', accountId: 'alice' });
      const two = artifact({ id: 't2', grantId: 'g1', sessionUid: 'nobody', accountId: 'nobody' });
      await put(open(), grant, session({ grantId: 'not-followed-twice' }), one, two);
      await put(open(), artifact({ kind: 'Grant', id: 'not-followed-twice' }));
      const loaded = await open().load([
        { kind: 'AccessToken', id: 't1' },
        { kind: 'AccessToken', id: 't2' },
        { kind: 'RefreshToken', id: 't1' },
        { kind: 'AccessToken', id: 'absent' },
      ]);
      expect([...loaded.artifacts].sort((a, b) => a.id.localeCompare(b.id))).toEqual([one, two]);
      expect([...loaded.linkedArtifacts].sort((a, b) => a.kind.localeCompare(b.kind))).toEqual([
        grant,
        session({ grantId: 'not-followed-twice' }),
      ]);
      expect(loaded.linkedAccounts).toEqual([account()]);
    });

    it('follows no link of an artifact that has none', async () => {
      await bench().first.forTenant('acme').accounts.insert(account());
      await put(open(), artifact(), artifact({ kind: 'Grant', id: 'g' }), session({ id: 's2' }));
      expect(await open().load([token])).toEqual({
        artifacts: [artifact()],
        linkedArtifacts: [],
        linkedAccounts: [],
      });
    });

    it('loads nothing for no refs, writes nothing for no writes', async () => {
      expect(await open().load([])).toEqual({ artifacts: [], linkedArtifacts: [], linkedAccounts: [] });
      await open().write([]);
    });

    it('inserts only when none of that id is there, expired or not', async () => {
      await open().write([{ op: 'insert', artifact: artifact({ payload: 'first' }) }]);
      await open().write([{ op: 'insert', artifact: artifact({ payload: 'second' }) }]);
      expect(await find(open(), token)).toMatchObject({ payload: 'first' });
      bench().clock.advance(60_000);
      await open().write([{ op: 'insert', artifact: artifact({ expiresAt: startSeconds + 999 }) }]);
      expect(await find(open(), token)).toBeUndefined();
    });

    it('keeps what was consumed consumed when it is inserted again', async () => {
      await open().write([{ op: 'insert', artifact: artifact() }]);
      await open().consume('AccessToken', 'token-1', startMs);
      await open().write([{ op: 'insert', artifact: artifact({ payload: 'again' }) }]);
      expect(await find(open(), token)).toEqual({ ...artifact(), consumedAt: startMs });
    });

    it('writes many in order', async () => {
      await open().write([
        { op: 'put', artifact: artifact({ payload: '1' }) },
        { op: 'insert', artifact: artifact({ payload: '2' }) },
        { op: 'remove', kind: 'AccessToken', id: 'token-1' },
        { op: 'put', artifact: artifact({ payload: '3' }) },
        { op: 'insert', artifact: artifact({ id: 'other' }) },
      ]);
      expect(await find(open(), token)).toMatchObject({ payload: '3' });
      expect(await find(open(), { kind: 'AccessToken', id: 'other' })).toBeDefined();
    });

    it.each([20, 100])('takes %i parallel first writes of one id', async (count) => {
      await Promise.all(
        times(count, (n) => put(n % 2 ? open() : elsewhere(), artifact({ payload: `${n}` }))),
      );
      expect(await find(open(), token)).toBeDefined();
    });

    it('removes, and what is absent stays absent', async () => {
      await put(open(), artifact({ grantId: 'g' }));
      await open().write([
        { op: 'remove', kind: 'AccessToken', id: 'token-1' },
        { op: 'remove', kind: 'AccessToken', id: 'never' },
        { op: 'remove', kind: 'Session', id: 'never' },
      ]);
      expect((await elsewhere().load([token, { kind: 'AccessToken', id: 'never' }])).artifacts).toEqual([]);
      expect(await open().consume('AccessToken', 'token-1', startMs)).toBeUndefined();
    });

    it('are found by their grant, if they are tokens or codes of it', async () => {
      const of = (kind: ArtifactKind, id: string, grantId = 'g1') => artifact({ kind, id, grantId });
      const tokens = (['AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode'] as const).map(
        (kind) => of(kind, `${kind} of g1`),
      );
      const others = [of('Grant', 'g1'), of('AccessToken', 'of another', 'g2')];
      const over = { ...of('AccessToken', 'over'), expiresAt: startSeconds + 1 };
      await put(open(), ...tokens, ...others, over);
      bench().clock.advance(1000);
      const found = [...(await elsewhere().tokensOfGrant('g1'))];
      const byId = (a: Artifact, b: Artifact): number => a.id.localeCompare(b.id);
      expect(found.sort(byId)).toEqual(tokens.toSorted(byId));
      expect(await open().tokensOfGrant('nobody')).toEqual([]);
      expect(await bench().first.forTenant('zeta').artifacts.tokensOfGrant('g1')).toEqual([]);
    });

    it('removes by grant the tokens and codes of that grant, nothing else', async () => {
      const removed = ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode'] as const;
      await put(open(), ...kinds.map((kind) => artifact({ kind, id: 'a', grantId: 'g1' })));
      await put(open(), ...removed.map((kind) => artifact({ kind, id: 'b', grantId: 'g2' })));
      await open().write([{ op: 'removeByGrant', grantId: 'g1' }]);
      const left = await elsewhere().load(
        kinds.flatMap((kind) => [
          { kind, id: 'a' },
          { kind, id: 'b' },
        ]),
      );
      expect(left.artifacts.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual(
        [
          ...kinds.filter((kind) => !removed.some((one) => one === kind)).map((kind) => `${kind} a`),
          ...removed.map((kind) => `${kind} b`),
        ].sort(),
      );
    });

    it('tries to insert: false while one is there, true once it has expired', async () => {
      expect(await open().tryInsert(artifact({ payload: 'first' }))).toBe(true);
      expect(await elsewhere().tryInsert(artifact({ payload: 'second' }))).toBe(false);
      expect(await find(open(), token)).toMatchObject({ payload: 'first' });
      bench().clock.advance(60_000);
      const later = artifact({ payload: 'third', expiresAt: startSeconds + 999 });
      expect(await elsewhere().tryInsert(later)).toBe(true);
      expect(await find(open(), token)).toEqual(later);
    });

    it.each([20, 100])('has one of %i inserters win', async (count) => {
      const won = await Promise.all(
        times(count, (n) => (n % 2 ? open() : elsewhere()).tryInsert(artifact({ payload: `${n}` }))),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await find(open(), token)).toMatchObject({ payload: `${won.indexOf(true)}` });
    });

    it.each([20, 100])('has one of %i inserters replace an expired one', async (count) => {
      await put(open(), artifact());
      bench().clock.advance(60_000);
      const late = (n: number) => artifact({ payload: `${n}`, expiresAt: startSeconds + 999 });
      const won = await Promise.all(times(count, (n) => (n % 2 ? open() : elsewhere()).tryInsert(late(n))));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await find(open(), token)).toMatchObject({ payload: `${won.indexOf(true)}` });
    });
  });

  describe('consume', () => {
    it('notes the time, keeps everything else, and answers the later ones with it', async () => {
      const code = artifact({ kind: 'AuthorizationCode', id: 'c', grantId: 'g' });
      await put(open(), code);
      expect(await open().consume('AuthorizationCode', 'c', startMs + 7)).toEqual({
        won: true,
        consumedAt: startMs + 7,
      });
      expect(await elsewhere().consume('AuthorizationCode', 'c', startMs + 9)).toEqual({
        won: false,
        consumedAt: startMs + 7,
      });
      expect(await find(open(), { kind: 'AuthorizationCode', id: 'c' })).toEqual({
        ...code,
        consumedAt: startMs + 7,
      });
    });

    it('distinguishes the winner from the others even in one millisecond', async () => {
      await put(open(), artifact());
      expect(await open().consume('AccessToken', 'token-1', startMs)).toMatchObject({ won: true });
      expect(await open().consume('AccessToken', 'token-1', startMs)).toMatchObject({ won: false });
    });

    it('does not know what was never there', async () => {
      expect(await open().consume('AccessToken', 'never', startMs)).toBeUndefined();
    });

    it.each([20, 100])('has one of %i callers win, on two connections', async (count) => {
      await put(open(), artifact());
      const outcomes = await Promise.all(
        times(count, (n) => (n % 2 ? open() : elsewhere()).consume('AccessToken', 'token-1', startMs + n)),
      );
      const winner = outcomes.findIndex((outcome) => outcome?.won);
      expect(outcomes.filter((outcome) => outcome?.won)).toHaveLength(1);
      expect(new Set(outcomes.map((outcome) => outcome?.consumedAt))).toEqual(new Set([startMs + winner]));
    });
  });
};
