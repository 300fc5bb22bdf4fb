import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { withSettings } from '../../src/config/server/settings-markdown.ts';

describe('README', () => {
  it('lists every setting with its default (else: npm run generate)', async () => {
    const readme = await readFile('README.md', 'utf8');
    expect(readme).toBe(withSettings(readme));
    expect(readme).toContain('DRAWBRIDGE_SERVER__PUBLIC_URL');
  });
});
