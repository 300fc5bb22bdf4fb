import { describe, expect, it } from '@jest/globals';
import { findLiveSession, servesGrant } from '../../src/accounts/live-session.ts';
import { toSession } from '../../src/oidc/adapter/artifact-payload.ts';
import { isTokenSessionAlive } from '../../src/oidc/tokens/access-token-jwt.ts';

const session = toSession(
  {
    uid: 'session-uid',
    accountId: 'alice',
    loginTs: 1_800_000_000,
    authorizations: { shop: { sid: 'sid-of-shop', grantId: 'grant-of-shop' } },
  },
  1_800_003_600,
);

describe('a session', () => {
  it('is alive for the person who is signed in with it, and for no other', () => {
    expect(findLiveSession([session], { sessionId: session.id, sub: 'alice' })).toBe(session);
    expect(findLiveSession([session], { sessionId: session.id, sub: 'bob' })).toBeUndefined();
    expect(findLiveSession([], { sessionId: session.id, sub: 'alice' })).toBeUndefined();
    expect(findLiveSession([session], { sessionId: 'another', sub: 'alice' })).toBeUndefined();
  });

  it('is no other artifact of that id', () => {
    const grant = { ...session, kind: 'Grant' as const };
    expect(findLiveSession([grant], { sessionId: session.id, sub: 'alice' })).toBeUndefined();
  });

  it('serves the grants of its apps alone', () => {
    const apps = [{ clientId: 'shop', grantId: 'one' }, { clientId: 'news' }];
    expect(servesGrant(apps, 'one')).toBe(true);
    expect(servesGrant(apps, 'another')).toBe(false);
  });
});

describe('a token that ends with its session', () => {
  const token = (grantId: string, isBinding: boolean) => ({
    payload: { accountId: 'alice', clientId: 'shop', grantId },
    session: { id: session.id, isBinding },
  });

  it('is good while the session is alive and has its grant', () => {
    expect(isTokenSessionAlive(token('grant-of-shop', true), [session])).toBe(true);
    expect(isTokenSessionAlive(token('grant-of-shop', true), [])).toBe(false);
  });

  it('is not good once another grant has taken the place of its own', () => {
    expect(isTokenSessionAlive(token('grant-from-before', true), [session])).toBe(false);
  });

  it('asks for no session where it outlives that', () => {
    expect(isTokenSessionAlive(token('grant-from-before', false), [])).toBe(true);
  });
});
