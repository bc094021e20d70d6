import { expect, it } from 'vitest';
import { scenario } from '../../support/scenario.ts';

const s = scenario('big-integer');
const name = s.namespace;
const BIG = '9007199254740993';

it('keeps every digit on its way to Heat and back', async () => {
  await s.startOperator();
  await s.applyText(`apiVersion: heatstack.dev/v1alpha1
kind: HeatStack
metadata:
  name: ${name}
spec:
  cloudCredentialsRef: { secretName: openstack-clouds, cloudName: demo }
  template:
    object:
      heat_template_version: 2018-08-31
      parameters:
        direct: { type: number }
        map: { type: json }
        from_text: { type: number }
        from_object: { type: number }
        preset: { type: number, default: ${BIG} }
      resources:
        nothing: { type: OS::Heat::None }
      outputs:
        all:
          value:
            - { get_param: direct }
            - { get_param: [map, id] }
            - { get_param: from_text }
            - { get_param: from_object }
            - { get_param: preset }
  parameters:
    direct: ${BIG}
    map: { id: ${BIG} }
  environments:
    - inline: "parameters: { from_text: ${BIG} }"
    - object: { parameters: { from_object: ${BIG} } }
  outputs: { inStatus: ["*"] }
`);
  const { status } = await s.ready(name);

  const { parameters } = await (await s.heat()).getStack({ id: status.id ?? '', name });
  expect(parameters).toMatchObject({ direct: BIG, from_text: BIG, from_object: BIG, preset: BIG });
  expect(JSON.parse(String(parameters?.['map']), keepDigits)).toEqual({ id: BIG });

  // Text, since a number would be rounded here.
  const shown = await s.kubectl(['get', 'heatstack', name, '-o', 'jsonpath={.status.outputs[0].value}']);
  expect(shown).toBe(`[${Array(5).fill(BIG).join(',')}]`);

  await s.delete(name);
  await s.gone(name);
});

/** Gives numbers as the text that they are written with. */
function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? context?.source : value;
}
