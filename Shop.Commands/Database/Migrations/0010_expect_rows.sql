-- Turns a row count that is not the expected one into an error, so that the whole group is rolled back and decided again.
create function expect_rows(actual bigint, expected bigint) returns void language plpgsql as $$
begin
    if actual is distinct from expected then
        raise exception 'expected % rows, found %', expected, actual using errcode = 'SH001';
    end if;
end $$;
