// Traefik, `ForwardAuth`, and Caddy, `forward_auth`: they set the `X-Forwarded-*` headers themselves, and pass any answer on.
import { forwardedScheme, readOriginalRequest } from './original-request.ts';
import type { ProxyDialect } from './proxy-dialect.ts';

export const forwardAuth: ProxyDialect = {
  name: 'forward-auth',
  appendsPath: false,
  readOriginal: (req) =>
    readOriginalRequest(req, {
      claimsIn: ({ forwarded, original }) => [forwardedScheme(req) === undefined ? {} : forwarded, original],
      missing:
        'The proxy must send X-Forwarded-Method, X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Uri',
    }),
  answers: {},
};
