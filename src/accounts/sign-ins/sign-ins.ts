// All by which one person is signed in, as one list for the person and for operators: in pages, and how one of them ends, or all.
//   sign-in-entry.ts      the kinds, and what an entry says
//   sign-in-sections.ts   how each kind is read; session-pages.ts: the sessions among them
//   sign-in-cursor.ts     where a page goes on
import { definedOnly } from '../../defined-only.ts';
import type { ApiKeys } from '../api-keys/api-keys.ts';
import type { Devices } from '../devices.ts';
import type { PersonSessions, SessionActor } from '../person-sessions.ts';
import { readCursor, type SignInsPosition, writeCursor } from './sign-in-cursor.ts';
import { type SignInEntry, type SignInKind, signInKinds } from './sign-in-entry.ts';
import { createSignInSections, type SignInSectionsParts } from './sign-in-sections.ts';

export interface SignInsRequest {
  /** `next` of the page before. */
  readonly cursor?: string;
  /** At most `mostSignIns`; default: as many. */
  readonly limit?: number;
  /** Only of this kind. */
  readonly kind?: SignInKind;
}

export interface SignInsOfPage {
  readonly entries: readonly SignInEntry[];
  /** Present if there may be more. */
  readonly next?: string;
}

export interface EndedSignIns {
  readonly sessions: number;
  readonly keys: number;
}

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. */
export interface SignIns {
  /**
   * Kind by kind in the order of `signInKinds`; within a kind the latest sign-in first, devices and keys by id.
   * @throws AppError `invalid_request` for a cursor of something else
   */
  list(sub: string, request: SignInsRequest): Promise<SignInsOfPage>;
  /** With all tokens that it has, on all instances. False when the person has no such entry. */
  end(sub: string, entry: Pick<SignInEntry, 'kind' | 'id'>, by: SessionActor): Promise<boolean>;
  /** All sessions and tokens, and devices with them; keys only where it says so. */
  endAll(sub: string, by: SessionActor, also?: { readonly keys: boolean }): Promise<EndedSignIns>;
}

export interface SignInsParts extends Omit<SignInSectionsParts, 'devices' | 'keys'> {
  readonly sessions: Pick<PersonSessions, 'end' | 'endGrant' | 'endAll'>;
  readonly devices: Pick<Devices, 'list' | 'revoke'>;
  readonly keys: Pick<ApiKeys, 'list' | 'revoke'>;
}

/** Of a page. */
export const mostSignIns = 100;
/** For one page, where much that is no longer good is left out. */
const mostReads = 20;

export const createSignIns = (parts: SignInsParts): SignIns => {
  const { sessions, devices, keys } = parts;
  const sections = createSignInSections(parts);

  const endGrant = async (sub: string, id: string, by: SessionActor): Promise<boolean> => {
    const { artifacts } = await parts.storage.artifacts.load([{ kind: 'Grant', id }]);
    if (artifacts[0]?.accountId !== sub) return false;
    await sessions.endGrant(sub, id, by);
    return true;
  };

  const revokeKeys = async (sub: string, by: SessionActor): Promise<number> => {
    let count = 0;
    for (;;) {
      const found = await keys.list({ sub, limit: mostSignIns });
      if (found.length === 0) return count;
      for (const { id } of found)
        if ((await keys.revoke(id, { ...by, owner: sub })) !== undefined) count += 1;
    }
  };

  return {
    list: async (sub, { cursor, limit = mostSignIns, kind }) => {
      let position: SignInsPosition | undefined =
        cursor === undefined ? { kind: kind ?? signInKinds[0] } : readCursor(cursor, kind);
      const size = Math.max(1, Math.min(limit, mostSignIns));
      const entries: SignInEntry[] = [];
      for (let reads = 0; position !== undefined && reads < mostReads; reads += 1) {
        const { after } = position;
        const read = sections[position.kind];
        const found = await read(sub, { ...definedOnly({ after }), limit: size - entries.length });
        entries.push(...found.entries);
        if (!found.hasMore) position = kind === undefined ? behind(position.kind) : undefined;
        else {
          position = { kind: position.kind, ...definedOnly({ after: found.last ?? after }) };
          if (entries.length >= size) break;
        }
      }
      return { entries, ...(position === undefined ? {} : { next: writeCursor(position) }) };
    },

    end: async (sub, { kind, id }, by) => {
      if (kind === 'refresh_token') return endGrant(sub, id, by);
      if (kind === 'device') return (await devices.revoke(id, { ...by, owner: sub })) !== undefined;
      if (kind === 'api_key') return (await keys.revoke(id, { ...by, owner: sub })) !== undefined;
      return sessions.end(sub, id, by);
    },

    endAll: async (sub, by, also = { keys: false }) => ({
      sessions: await sessions.endAll(sub, by),
      keys: also.keys ? await revokeKeys(sub, by) : 0,
    }),
  };
};

/** The kind that follows. */
const behind = (kind: SignInKind): SignInsPosition | undefined => {
  const next = signInKinds[signInKinds.indexOf(kind) + 1];
  return next === undefined ? undefined : { kind: next };
};
