namespace Shop.Local;

/// <summary>Something this machine or its user has to put right; the message is the one sentence that says what.</summary>
public sealed class LocalRunException : Exception
{
    public LocalRunException(string message) : base(message)
    {
    }

    public LocalRunException(string message, Exception innerException) : base(message, innerException)
    {
    }

    public LocalRunException()
    {
    }
}
