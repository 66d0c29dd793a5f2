import { Field, Select } from "./field";

interface OverlapProps {
  label: string;
  value: string;
  error: string | undefined;
  onChange: (overlap: string) => void;
}

/** How long what was good goes on beside what is made now. */
export function Overlap({ label, value, error, onChange }: OverlapProps) {
  return (
    <Field label={label} error={error}>
      {(ties) => (
        <Select {...ties} value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="0s">no time: they end at once</option>
          <option value="1h">an hour</option>
          <option value="24h">a day</option>
          <option value="168h">a week</option>
        </Select>
      )}
    </Field>
  );
}
