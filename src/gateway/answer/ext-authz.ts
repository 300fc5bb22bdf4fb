// Envoy, `ext_authz` over HTTP: the question has the method and the host of the original request, and its path behind
// that of the endpoint (`path_prefix`).
import { forwardedScheme, hostWithoutDefaultPort, readOriginalRequest } from './original-request.ts';
import type { ProxyDialect } from './proxy-dialect.ts';

export const extAuthz: ProxyDialect = {
  name: 'ext-authz',
  appendsPath: true,
  readOriginal: (req, appended) =>
    readOriginalRequest(req, {
      claimsIn: ({ forwarded, original }) => [
        {
          method: req.method,
          host: hostWithoutDefaultPort(req.headers.host || undefined, forwardedScheme(req)),
          target: appended || undefined,
        },
        forwarded,
        original,
      ],
      missing: 'The path of the request must follow the path of this endpoint',
    }),
  answers: {
    // with `failure_mode_allow` Envoy lets everybody through on a 5xx
    unavailableStatus: 403,
    // Envoy passes on what the client sent, unless the answer names it. The other proxies take `Authorization`, which
    // is absent there, from the answer.
    removalHeader: 'x-envoy-auth-headers-to-remove',
  },
};
