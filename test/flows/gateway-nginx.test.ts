import { describe } from '@jest/globals';
import { findPart } from '../../scripts/real-parts.mjs';
import { startDocumentedNginx } from '../support/documented-proxies.ts';
import { defineProxyClauses } from '../support/gateway-proxy.clauses.ts';

const describeNginx = findPart('nginx') === undefined ? describe.skip : describe;

describeNginx('nginx as documented', () => {
  defineProxyClauses({
    startProxy: startDocumentedNginx,
    throttledStatus: 403,
    downStatus: 500,
    invalidStatus: 500,
    hidesCookie: true,
    passesOtherKeys: true,
    upgrades: true,
    passesErrorsOn: true,
  });
});
