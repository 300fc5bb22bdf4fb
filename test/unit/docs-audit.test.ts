import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { auditActions } from '../../src/audit/audit-actions.ts';
import { packageRoot } from '../../src/package-root.ts';

it('docs/audit.md lists the actions that are in the code, each once', () => {
  const page = readFileSync(join(packageRoot(), 'docs', 'audit.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `([a-z_]+\.[a-z_]+)` \| .+ \|$/gm)].map(([, action]) => action);
  expect(listed).toEqual([...auditActions]);
});
