import type { Offered } from './offered.ts';

/** Finds the methods of a path below the issuer; undefined where there is no endpoint. */
export type MethodsOf = (path: string) => readonly string[] | undefined;

const always = {
  '/.well-known/openid-configuration': 'GET HEAD OPTIONS',
  '/.well-known/oauth-authorization-server': 'GET HEAD OPTIONS',
  '/jwks': 'GET HEAD OPTIONS',
  '/auth': 'GET HEAD POST',
  '/auth/:uid': 'GET HEAD',
  '/request': 'POST OPTIONS',
  '/token': 'POST OPTIONS',
  '/token/introspection': 'POST OPTIONS',
  '/token/revocation': 'POST OPTIONS',
  '/me': 'GET HEAD POST OPTIONS',
  '/session/end': 'GET HEAD POST',
  '/session/end/confirm': 'POST',
  '/session/end/success': 'GET HEAD',
};

const ofDeviceFlow = {
  '/device/auth': 'POST OPTIONS',
  '/device': 'GET HEAD POST',
  '/device/:uid': 'GET HEAD',
};

const ofDirectLogin = { '/authorize-challenge': 'POST OPTIONS' };

/**
 * The library answers a wrong method as an unknown path. This table, for the `Allow` of a 405 (RFC 9110 section
 * 15.5.6), is what `server/routes.ts` says of the protocol; `test/flows/routes.test.ts` compares them.
 */
export const createMethodsOf = ({
  hasDeviceFlow,
  hasDirectLogin,
}: Pick<Offered, 'hasDeviceFlow' | 'hasDirectLogin'>): MethodsOf => {
  const offered = {
    ...always,
    ...(hasDeviceFlow ? ofDeviceFlow : {}),
    ...(hasDirectLogin ? ofDirectLogin : {}),
  };
  const table = Object.entries(offered).map(
    ([path, methods]) =>
      // as the library matches: in either case, with or without a trailing slash
      [
        new RegExp(`^${path.replaceAll('.', '\\.').replace(':uid', '[^/]+')}/?$`, 'i'),
        methods.split(' '),
      ] as const,
  );
  return (path) => table.find(([pattern]) => pattern.test(path))?.[1];
};
