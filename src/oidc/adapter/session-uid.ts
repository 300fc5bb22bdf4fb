import { hashId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';

/**
 * What the provider's tokens call their session: its uid, and for the tokens of a device `<uid>.<device id>`. A
 * session has one grant for each app, and one for each device that was let in from it, however many are of one app.
 */
export interface SessionUid {
  readonly uid: string;
  readonly deviceId?: string;
}

export const parseSessionUid = (sessionUid: string): SessionUid => {
  const [uid = '', deviceId] = sessionUid.split('.');
  return { uid, ...definedOnly({ deviceId }) };
};

export const sessionUidOfDevice = (uid: string, deviceId: string): string => `${uid}.${deviceId}`;

/** The id of the Session artifact. */
export const sessionIdOf = (sessionUid: string): string => hashId(parseSessionUid(sessionUid).uid);

/** Where a session keeps the grant of a device; no client_id has a colon. */
export const deviceAuthorizationKey = (deviceId: string): string => `device:${deviceId}`;
