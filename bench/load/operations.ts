import { migratorClient, people, serviceClient, webClient } from '../targets/fixtures.ts';
import { signInOnDevice, signInWithCode, type Tokens } from './sign-in-flows.ts';
import type { TargetClient } from './target-client.ts';

/** One thing that apps do. */
export interface Operation {
  readonly name: string;
  readonly label: string;
  /** Operations of one round. */
  readonly count: number;
  /** Password hashes at the parameters that are shipped; all others at the least that argon2 takes. */
  readonly isHashed: boolean;
  /** The share of the bare library's server CPU that is aimed at, on MongoDB. */
  readonly aim?: number;
  /** Prepares one caller, uncounted, and resolves to what that caller does again and again. */
  readonly prepare: (target: TargetClient, caller: number) => Promise<() => Promise<unknown>>;
}

const personOf = (caller: number) => {
  const person = people[caller % people.length];
  if (person === undefined) throw new Error('there are no people');
  return person;
};

const text = (tokens: Tokens, name: string): string => {
  const value = tokens[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(`expected ${name} among the tokens, saw ${Object.keys(tokens).join(', ')}`);
};

const codeFlow: Operation['prepare'] = async (target, caller) => async () => {
  const tokens = await signInWithCode(target, personOf(caller));
  text(tokens, 'id_token');
  const authorization = `Bearer ${text(tokens, 'access_token')}`;
  await target.get(target.endpoint('userinfo_endpoint'), { Authorization: authorization });
};

const passwordGrant: Operation['prepare'] = async (target, caller) => async () => {
  const { username, password } = personOf(caller);
  const form = { grant_type: 'password', username, password, scope: 'openid profile email' };
  text(await target.post(target.endpoint('token_endpoint'), form, migratorClient), 'id_token');
};

export const operations: readonly Operation[] = [
  {
    name: 'client_credentials',
    label: 'client credentials',
    count: 800,
    isHashed: false,
    aim: 0.5,
    prepare: async (target) => async () => {
      const form = { grant_type: 'client_credentials' };
      text(await target.post(target.endpoint('token_endpoint'), form, serviceClient), 'access_token');
    },
  },
  {
    name: 'code',
    label: 'code + PKCE, login, userinfo',
    count: 120,
    isHashed: false,
    aim: 0.6,
    prepare: codeFlow,
  },
  { name: 'code-hashed', label: '… with argon2id as shipped', count: 48, isHashed: true, prepare: codeFlow },
  {
    name: 'refresh',
    label: 'refresh, rotating',
    count: 400,
    isHashed: false,
    aim: 0.5,
    prepare: async (target, caller) => {
      let refreshToken = text(await signInWithCode(target, personOf(caller)), 'refresh_token');
      return async () => {
        const form = { grant_type: 'refresh_token', refresh_token: refreshToken };
        const next = text(
          await target.post(target.endpoint('token_endpoint'), form, webClient),
          'refresh_token',
        );
        if (next === refreshToken) throw new Error('expected a new refresh token, saw the old one');
        refreshToken = next;
      };
    },
  },
  {
    name: 'introspection',
    label: 'introspection of a person’s token',
    count: 800,
    isHashed: false,
    aim: 0.3,
    prepare: async (target, caller) => {
      const token = text(await signInWithCode(target, personOf(caller)), 'access_token');
      return async () => {
        const answer = await target.post(target.endpoint('introspection_endpoint'), { token }, webClient);
        if (answer.active !== true) throw new Error('expected an active token, saw an inactive one');
      };
    },
  },
  {
    name: 'userinfo',
    label: 'userinfo',
    count: 800,
    isHashed: false,
    aim: 0.4,
    prepare: async (target, caller) => {
      const token = text(await signInWithCode(target, personOf(caller)), 'access_token');
      const headers = { Authorization: `Bearer ${token}` };
      return () => target.get(target.endpoint('userinfo_endpoint'), headers);
    },
  },
  { name: 'password', label: 'password grant', count: 240, isHashed: false, prepare: passwordGrant },
  {
    name: 'password-hashed',
    label: '… with argon2id as shipped',
    count: 48,
    isHashed: true,
    prepare: passwordGrant,
  },
  {
    name: 'device',
    label: 'device flow, login',
    count: 80,
    isHashed: false,
    prepare: async (target, caller) => async () => {
      text(await signInOnDevice(target, personOf(caller)), 'access_token');
    },
  },
  {
    name: 'discovery',
    label: 'discovery and JWKS',
    count: 1500,
    isHashed: false,
    aim: 0.3,
    prepare: async (target) => {
      const discovery = new URL(`${target.issuer}/.well-known/openid-configuration`);
      return async () => {
        await target.get(discovery);
        await target.get(target.endpoint('jwks_uri'));
      };
    },
  },
];
