// The picture that a person has uploaded. People whose profile comes from a source change it there.

import type { Audit } from '../audit/audit.ts';
import type { AuditAction } from '../audit/audit-actions.ts';
import type { Clock } from '../clock.ts';
import { isEqualConstantTime, randomId } from '../crypto/ids.ts';
import { AppError } from '../errors.ts';
import type { AccountRecord, TenantStorage } from '../storage/storage.ts';
import { changedByOthers } from './lost-races.ts';
import type { SessionActor } from './person-sessions.ts';
import type { RewritePicture } from './picture-file.ts';

export type PictureOutcome =
  | { readonly ok: true; readonly url: string }
  /** `elsewhere`: a source gives the profile of this person. */
  | { readonly ok: false; readonly reason: 'unreadable' | 'elsewhere' };

/** All of them throw AppError `unavailable`; a change that cannot be recorded is not made. `not_found`: the account was deleted. */
export interface Pictures {
  /** The file in place of the picture that the person has. */
  replace(account: AccountRecord, file: Buffer, by: SessionActor): Promise<PictureOutcome>;
  /** False when there is none. */
  remove(account: AccountRecord, by: SessionActor): Promise<boolean>;
  /** A JPEG. Undefined when the person has another picture now, or none. */
  find(sub: string, id: string): Promise<Buffer | undefined>;
}

export interface PicturesParts {
  readonly tenant: string;
  readonly issuer: string;
  readonly storage: Pick<TenantStorage, 'accounts' | 'pictures'>;
  readonly rewrite: RewritePicture;
  /** Does a source give the profile of this person? */
  readonly isElsewhere: (account: AccountRecord) => boolean;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** More would be an attack: a caller loses only to one that has changed the account. */
const attempts = 40;

export const createPictures = (parts: PicturesParts): Pictures => {
  const { storage, audit, clock } = parts;
  const note = (action: AuditAction, { sub }: AccountRecord, by: SessionActor): Promise<void> =>
    audit.noteBefore({ ...by, action, object: sub, outcome: 'success' });

  /**
   * The file first, then the account by compare-and-set. Whoever loses to another change does both again, so that file and
   * account are of the same picture in the end.
   */
  const change = async (
    { sub, ...before }: AccountRecord,
    { store, id }: { readonly store: () => Promise<unknown>; readonly id: string | undefined },
  ): Promise<void> => {
    let { version } = before;
    for (let attempt = 0; attempt < attempts; attempt++) {
      await store();
      if (await storage.accounts.update(sub, { pictureId: id, updatedAt: clock.now() }, version)) return;
      const now = await storage.accounts.findBySub(sub);
      if (now === undefined) {
        await storage.pictures.remove(sub);
        throw new AppError('not_found', 'This account no longer exists');
      }
      version = now.version;
    }
    throw changedByOthers();
  };

  return {
    replace: async (account, file, by) => {
      if (parts.isElsewhere(account)) return { ok: false, reason: 'elsewhere' };
      const rewritten = await parts.rewrite(parts.tenant, file);
      if (rewritten === undefined) return { ok: false, reason: 'unreadable' };
      await note('account.picture', account, by);
      const id = randomId(16);
      const { sub } = account;
      const data = rewritten.toString('base64');
      await change(account, { store: () => storage.pictures.put({ sub, id, data }), id });
      return { ok: true, url: urlOf(parts.issuer, sub, id) };
    },
    remove: async (account, by) => {
      if (account.pictureId === undefined) return false;
      await note('account.picture_removed', account, by);
      await change(account, { store: () => storage.pictures.remove(account.sub), id: undefined });
      return true;
    },
    find: async (sub, id) => {
      const picture = await storage.pictures.find(sub);
      if (picture === undefined || !isEqualConstantTime(picture.id, id)) return undefined;
      return Buffer.from(picture.data, 'base64');
    },
  };
};

const urlOf = (issuer: string, sub: string, id: string): string => `${issuer}/pictures/${sub}/${id}`;

/** The address of the uploaded picture; it changes with the picture, and nobody can guess it. */
export const pictureUrl = (
  issuer: string,
  { sub, pictureId }: Pick<AccountRecord, 'sub' | 'pictureId'>,
): string | undefined => (pictureId === undefined ? undefined : urlOf(issuer, sub, pictureId));
