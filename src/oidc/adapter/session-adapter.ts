import type { AdapterPayload } from 'oidc-provider';
import { hashId } from '../../crypto/ids.ts';
import type { Artifact } from '../../storage/storage.ts';
import { type AdapterParts, ArtifactAdapter } from './artifact-adapter.ts';
import { sessionOfDevice, toSession, toSessionCookie, toSessionPayload } from './artifact-payload.ts';
import { parseSessionUid, sessionIdOf } from './session-uid.ts';

/** The browser's session, found by its cookie or by its uid. */
export class SessionAdapter extends ArtifactAdapter {
  constructor(parts: AdapterParts) {
    super('Session', parts);
  }

  override async find(cookieValue: string): Promise<AdapterPayload | undefined> {
    const session = await this.#findByCookie(cookieValue);
    return session === undefined ? undefined : toSessionPayload(session, cookieValue);
  }

  override async findByUid(uid: string): Promise<undefined> {
    const { deviceId } = parseSessionUid(uid);
    const session = await this.parts.scope().find({ kind: 'Session', id: sessionIdOf(uid) });
    const payload = session === undefined ? undefined : toSessionPayload(session, undefined);
    // the declared return type of the base class is narrower than the port's
    return (deviceId === undefined ? payload : sessionOfDevice(payload, deviceId)) as undefined;
  }

  /**
   * Unchanged sessions are not written on each request. Parallel sign-ins of two apps are both kept, and none
   * restores a session that was signed out meanwhile.
   */
  override async upsert(cookieValue: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    if (payload.uid === undefined) throw new Error('a session has no uid');
    const session = toSession({ ...payload, uid: payload.uid }, this.expiryOf(payload, expiresIn));
    const scope = this.parts.scope();
    const cookie = scope.loaded('SessionCookie', hashId(cookieValue));
    const stored = scope.loaded('Session', session.id);
    if (cookie !== undefined && stored !== undefined && this.#isSame(stored, session)) return;
    if (stored === undefined && payload.accountId === undefined) await this.parts.starts.session();
    const removed = Object.keys(stored?.authorizations ?? {}).filter(
      (key) => session.authorizations?.[key] === undefined,
    );
    await this.write((target) => {
      target.unstageRemoval('Session', session.id);
      // sessions begin in requests to the provider
      const onlyIfStored = stored !== undefined || !this.parts.isInRequest();
      target.stage({ op: 'mergeSession', artifact: session, removed, onlyIfStored });
      // a cookie that was renewed or signed out while this request was in progress stays invalid
      const renewed = toSessionCookie(cookieValue, session);
      const isKnown = cookie !== undefined || !this.parts.isInRequest();
      target.stage({ op: 'put', artifact: renewed, onlyIfStored: isKnown });
    });
  }

  override async destroy(cookieValue: string): Promise<void> {
    const session = await this.#findByCookie(cookieValue);
    await this.write((scope) => {
      scope.stage({ op: 'remove', kind: 'SessionCookie', id: hashId(cookieValue) });
      if (session !== undefined) scope.stage({ op: 'remove', kind: 'Session', id: session.id });
    });
  }

  async #findByCookie(cookieValue: string): Promise<Artifact | undefined> {
    const cookie = await this.parts.scope().find({ kind: 'SessionCookie', id: hashId(cookieValue) });
    if (cookie?.sessionUid === undefined) return undefined;
    return this.parts.scope().find({ kind: 'Session', id: cookie.sessionUid });
  }

  #isSame(stored: Artifact, session: Artifact): boolean {
    return (
      stored.payload === session.payload &&
      JSON.stringify(stored.authorizations ?? {}) === JSON.stringify(session.authorizations ?? {}) &&
      Math.abs(session.expiresAt - stored.expiresAt) < this.parts.sessionTouchSeconds
    );
  }
}
