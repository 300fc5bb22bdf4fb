// The administration API against its own OpenAPI document, with the key of an operator.
import { describe, expect, it } from '@jest/globals';
import { keyOf } from '../support/admin-api.ts';
import { sampleTenant } from '../support/sample-tenants.ts';
import { runSchemathesis, schemathesis } from '../support/schemathesis.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({
  store: sqliteStore,
  tenants: { acme: sampleTenant(), operations: sampleTenant() },
  settings: {
    administration: {
      tenant: 'operations',
      operators: { subs: [], roles: ['operator'], groups: [] },
      secondFactor: true,
      maxAgeSeconds: 3600,
    },
  },
});

/**
 * An `If-Match` of the right form names another version. Names of roles, scopes, services, resources and networks are refused where
 * there are none of this name, and so are long lives. What is too large is not looked at.
 */
const settings = `
parameters = { tenant = "acme" }

[checks]
positive_data_acceptance.expected-statuses = ["2XX", "401", "403", "404", "409", "412"]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422"]

# a cursor has to be one that was sent
[[operations]]
include-operation-id = "listSignIns"
checks.positive_data_acceptance.expected-statuses = ["2XX", "400", "401", "403", "404"]

[[operations]]
include-operation-id = "createKey"
checks.positive_data_acceptance.expected-statuses = ["2XX", "400", "401", "403", "404", "409", "422"]

[[operations]]
include-operation-id = "createSystemUser"
checks.positive_data_acceptance.expected-statuses = ["2XX", "400", "401", "403", "404", "409", "422"]
`;

(schemathesis === undefined ? describe.skip : describe)('the administration API', () => {
  it('gives only answers that its OpenAPI document allows', async () => {
    const { secret: token } = await keyOf(server, 'operations', 'operator', { roles: ['operator'] });
    const url = `${server.publicUrl}/admin/api/v1/openapi.json`;
    expect(await runSchemathesis({ url, token, settings })).toEqual({
      code: 0,
      report: expect.stringMatching(/\d+ generated, \d+ passed/),
    });
  }, 120_000);
});
