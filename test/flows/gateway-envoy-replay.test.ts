import { describe } from '@jest/globals';
import { startEnvoyReplay } from '../support/envoy-replay.ts';
import { defineProxyClauses } from '../support/gateway-proxy.clauses.ts';

describe('what Envoy does, as documented', () => {
  defineProxyClauses({
    startProxy: (places) => startEnvoyReplay(places),
    throttledStatus: 429,
    downStatus: 403,
    invalidStatus: 400,
    hidesCookie: false,
    passesOtherKeys: true,
    upgrades: false,
    passesErrorsOn: true,
  });
});
