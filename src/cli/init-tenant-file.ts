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

/** A tenant's file to begin with: what it holds is safe for production, what it shows in comments is optional. */
export const newTenantText = (tenant: NewTenant, places: NewTenantPlaces): string => {
  const { id, displayName, redirectUris } = tenant;
  // JSON's strings are YAML's double-quoted ones.
  const quoted = (text: string): string => JSON.stringify(text);
  return `# yaml-language-server: $schema=${relative(places.directory, places.schemaFile)}
#
# The name of this file is the tenant's id, and its issuer is <publicUrl>/oauth/${id}.
# Changes are live within a second. Check with: npx --no drawbridge config check
# docs/tenants.md explains every key; an editor with a YAML language server completes them.

displayName: ${quoted(displayName)}

branding:
  # Main colour of the pages; readable shades are derived.
  color: "#1d4ed8"

# Language of the pages when the browser asks for none that there is: en or de.
locale: en

clients:
  # An app on a web server: confidential, as it keeps its secret to itself. PKCE (S256) is required of every client.
  - client_id: ${webClientId}
    client_name: ${quoted(displayName)}
    client_secret: file:${places.secretFile}
    grant_types: [authorization_code, refresh_token]
    # Compared character by character.
    redirect_uris:
${redirectUris.map((uri) => `      - ${quoted(uri)}`).join('\n')}
    # post_logout_redirect_uris: [https://app.example.com/signed-out]
    # One of your own apps: people are not asked for consent.
    firstParty: true

  # An app on a device or in a browser keeps no secret, so it is public:
  # - client_id: mobile
  #   client_name: Our app
  #   application_type: native
  #   token_endpoint_auth_method: none
  #   grant_types: [authorization_code, refresh_token]
  #   redirect_uris: [com.example.app:/callback]

# The services for which clients get access tokens (a client names one as \`resource\`):
# resources:
#   - identifier: https://api.example.com/orders
#     scopes:
#       orders:read: See your orders

# People are added with: npx --no drawbridge user add ${id} <name>
`;
};
