import type { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import type { apiKeysSchema } from './api-keys-schema.ts';
import type { ApiKeyRules } from './tenant-definition.ts';

/** `apiKeys` of a tenant's file, as the server uses it. */
export const toApiKeyRules = ({
  maximumAge,
  rotationOverlap,
  own,
  contact,
  verification,
  ...rules
}: z.output<typeof apiKeysSchema>): ApiKeyRules => ({
  ...rules,
  ...(verification === 'mail' ? { verification } : {}),
  ...definedOnly({ contact }),
  ownServices: own?.services ?? [],
  maximumAgeSeconds: maximumAge,
  overlapSeconds: rotationOverlap,
});
