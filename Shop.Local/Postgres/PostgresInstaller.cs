namespace Shop.Local.Postgres;

public static class PostgresInstaller
{
    public const string WhatToInstall = "PostgreSQL 15 or later is not installed.";
}
