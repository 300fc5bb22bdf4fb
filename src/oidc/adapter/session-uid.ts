import { hashId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';

/**
 * The name of the session in the provider's tokens: its uid, and for the tokens of a device `<uid>.<device id>`. A
 * session has one grant for each app, and one for each device that was approved in it, also for several of one app.
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

/** The key under which a session keeps the grant of a device; no client_id contains a colon. */
export const deviceAuthorizationKey = (deviceId: string): string => `device:${deviceId}`;
