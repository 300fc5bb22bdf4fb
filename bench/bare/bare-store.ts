import type { Adapter } from 'oidc-provider';

export interface BarePerson {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly name: string;
  /** PHC string. */
  readonly hash: string;
}

/** What a straightforward application around the library has: an adapter for its models, and people. */
export interface BareStore {
  readonly adapter: (model: string) => Adapter;
  readonly people: {
    add(person: BarePerson): Promise<void>;
    findById(id: string): Promise<BarePerson | undefined>;
    findByName(username: string): Promise<BarePerson | undefined>;
  };
  close(): Promise<void>;
}

/** The models whose rows belong to a grant and go with it. */
export const grantable: ReadonlySet<string> = new Set([
  'AccessToken',
  'AuthorizationCode',
  'RefreshToken',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
]);

/** `AccessToken` to `access_token`. */
export const snakeCase = (model: string): string =>
  model.replace(/[A-Z]/g, (letter, at: number) => `${at === 0 ? '' : '_'}${letter.toLowerCase()}`);

export const models = [
  'Session',
  'Interaction',
  'Grant',
  'Client',
  'AccessToken',
  'AuthorizationCode',
  'ClientCredentials',
  'DeviceCode',
  'RefreshToken',
  'PushedAuthorizationRequest',
  'ReplayDetection',
] as const;
