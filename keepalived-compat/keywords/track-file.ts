/** Files whose content changes weights and priorities. Not supported yet. */
import { block, int, type Keyword, oneOf, optional, path, setting, text } from './keyword.ts';

export const trackFileKeywords: readonly Keyword[] = [
  block('track_file', [text('name')], { repeat: 'each', inEffect: 'no file is tracked in this version' }, [
    setting('file', [path('path')], { repeat: 'first' }),
    setting('weight', [int('w', -254, 254), optional(oneOf('option', ['reverse']))], { default: 1 }),
    setting('init_file', [optional(int('value')), optional(oneOf('option', ['overwrite']))], {
      default: 'file not touched',
    }),
  ]),
  block(
    'vrrp_track_file',
    [text('name')],
    { repeat: 'each', replacedBy: 'track_file', inEffect: 'no file is tracked in this version' },
    [
      setting('file', [path('path')], { repeat: 'first' }),
      setting('weight', [int('w', -254, 254), optional(oneOf('option', ['reverse']))], { default: 1 }),
      setting('init_file', [optional(int('value')), optional(oneOf('option', ['overwrite']))], {
        default: 'file not touched',
      }),
    ],
  ),
];
