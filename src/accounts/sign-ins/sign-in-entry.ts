import type { SessionOrigin } from '../session-origin.ts';

/**
 * `session`: at the provider, of a browser or of a sign-in on an app's own page. `gateway_session`: begun by name and password
 * at a service. `refresh_token`: of an app, ends with no session. The kinds of a list come in this order.
 */
export const signInKinds = ['session', 'gateway_session', 'refresh_token', 'device', 'api_key'] as const;

export type SignInKind = (typeof signInKinds)[number];

export const isSignInKind = (value: unknown): value is SignInKind => signInKinds.some((one) => one === value);

/** One thing by which a person is signed in. */
export interface SignInEntry {
  readonly kind: SignInKind;
  /** Unique within the kind, and no secret. */
  readonly id: string;
  /** Id of the session, grant or key with which its tokens end, as revocation events name it. */
  readonly revocationId: string;
  /** The apps that it serves, or to which it belongs. */
  readonly clients: readonly string[];
  /** Hosts of services behind the gateway where a session is used; `*.example.com`: all below that domain. */
  readonly services: readonly string[];
  /** Of a device, or the note of a key. */
  readonly name?: string;
  /** Of a session: the app on whose own page the person signed in. */
  readonly clientId?: string;
  /** Of a session: how the person signed in (RFC 8176). */
  readonly amr?: readonly string[];
  readonly origin?: SessionOrigin;
  /** Epoch seconds of the sign-in; of a key, of its making. */
  readonly signedInAt?: number;
  /** Epoch seconds, where it is known. */
  readonly lastUsedAt?: number;
  /** Epoch seconds; absent: never. */
  readonly expiresAt?: number;
}
