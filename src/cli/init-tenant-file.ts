import { relative } from 'node:path';

export interface NewTenant {
  readonly id: string;
  readonly displayName: string;
  readonly redirectUris: readonly string[];
}

export interface NewTenantPlaces {
  /** Absolute, of the file that is made. */
  readonly directory: string;
  /** Absolute. */
  readonly schemaFile: string;
  /** Absolute. */
  readonly secretFile: string;
}

export const webClientId = 'web';

/** A first file of a tenant: its settings are safe for production, the commented ones are optional. */
export const newTenantText = (tenant: NewTenant, places: NewTenantPlaces): string => {
  const { id, displayName, redirectUris } = tenant;
  // JSON's strings are YAML's double-quoted ones.
  const quoted = (text: string): string => JSON.stringify(text);
  return `# yaml-language-server: $schema=${relative(places.directory, places.schemaFile)}
#
# The file name without .yaml is the tenant id. The issuer is <publicUrl>/oauth/${id}.
# Changes are active within a second. To check this file: npx --no drawbridge config check
# docs/tenants.md explains every key. An editor with a YAML language server completes them.

displayName: ${quoted(displayName)}

branding:
  # Main colour of the pages; readable shades are derived.
  color: "#1d4ed8"

# Language of the pages if the browser requests neither English nor German: en or de.
locale: en

clients:
  # An app on a web server: a confidential client, because it can keep a secret. PKCE (S256) is required of every client.
  - client_id: ${webClientId}
    client_name: ${quoted(displayName)}
    client_secret: file:${places.secretFile}
    grant_types: [authorization_code, refresh_token]
    # Compared exactly.
    redirect_uris:
${redirectUris.map((uri) => `      - ${quoted(uri)}`).join('\n')}
    # post_logout_redirect_uris: [https://app.example.com/signed-out]
    # A first-party client: no consent page.
    firstParty: true

  # An app on a device or in a browser cannot keep a secret, so it is a public client:
  # - client_id: mobile
  #   client_name: Our app
  #   application_type: native
  #   token_endpoint_auth_method: none
  #   grant_types: [authorization_code, refresh_token]
  #   redirect_uris: [com.example.app:/callback]

# The APIs for which clients get access tokens (a client sends one as \`resource\`):
# resources:
#   - identifier: https://api.example.com/orders
#     scopes:
#       orders:read: See your orders

# To add a user: npx --no drawbridge user add ${id} <name>
`;
};
